"""The mall's data: products, sales, stock, scores and favorites."""
