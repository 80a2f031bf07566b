"""`meshmall branch`: your own view of the running system."""
