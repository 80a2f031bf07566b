"""The number of units in stock of each product."""
