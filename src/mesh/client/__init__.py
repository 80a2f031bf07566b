"""The client of the mesh's API, and what can be said and done through it alone."""
