"""The product: the `meshmall` command, which runs the mall on the mesh."""
