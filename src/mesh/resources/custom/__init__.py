"""Kinds that users define, and their schemas."""
