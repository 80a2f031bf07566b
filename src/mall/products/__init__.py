"""Products with their sales and stock; v2 (FAVORITES=true) adds favorites."""
