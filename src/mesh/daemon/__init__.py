"""The mesh's one long-running process: its home, its ports, its start and its shutdown."""
