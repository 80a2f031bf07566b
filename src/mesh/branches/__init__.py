"""Branches: from the object to the Deployments it needs, and to what its status says."""
