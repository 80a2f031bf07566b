"""The number of units sold of each product."""
