"""The number of people who have a product among their favorites."""
