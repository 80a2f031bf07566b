"""Envoy's program on this machine: where it is, and its process: started, watched, stopped."""
