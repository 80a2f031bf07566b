"""The `meshmall` command."""
