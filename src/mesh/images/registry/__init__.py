"""Asking registries: the client of one endpoint, its tokens, and blobs into files."""
