"""The mall: an online shop of nine services, each a process of its own."""
