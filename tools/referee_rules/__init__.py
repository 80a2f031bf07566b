"""Asks a real istiod what rules mean: `make referee-rules`."""
