"""Envoy's program on this machine: found, started, watched, stopped."""
