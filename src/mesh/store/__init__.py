"""Versioned objects with watch, kept in SQLite."""
