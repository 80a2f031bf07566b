"""Scores, 0-100; SCALE multiplies them."""
