"""The site of the docs: what is generated for it, and how its links are made. See `make docs`."""
