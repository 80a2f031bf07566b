"""How many people like a product."""
