"""Namespaces mode: the agent that owns the mesh's namespaces, and the client with which the daemon asks it."""
