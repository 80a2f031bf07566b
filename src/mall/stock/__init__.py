"""Pieces left."""
