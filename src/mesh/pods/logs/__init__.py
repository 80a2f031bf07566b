"""Logs of containers: written, rotated and read."""
