"""The mesh's own paths beside Kubernetes': `/mesh/v1/`."""
