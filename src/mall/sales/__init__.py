"""Sold pieces."""
