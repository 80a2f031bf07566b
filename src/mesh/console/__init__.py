"""The web console: a page that shows the mesh live, and drives it with the rights of who opened it."""
