"""The mesh's one long-running process: its home, its start, and its end."""
