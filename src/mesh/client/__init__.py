"""A client of the mesh's API."""
