"""`meshmall branch`: what one types for an own view of the running mall."""
