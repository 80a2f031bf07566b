"""The mall: an online shop of nine services, each its own process."""
