"""The node behind the API: logs, usage, the Node object."""
