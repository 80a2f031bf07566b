"""The mesh's own kind: Branch (meshmall.dev)."""
