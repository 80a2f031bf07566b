"""Products with what sales and stock say; v2 (FAVORITES=true) also with what favorites says."""
