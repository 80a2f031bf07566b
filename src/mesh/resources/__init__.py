"""Typed kinds, their validation and their names. Imports nothing of mesh."""
