"""Streams into running containers: commands beside them, their own terminals, connections into pods."""
