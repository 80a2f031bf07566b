"""Where and how the processes of pods run: the interface, and its implementations."""
