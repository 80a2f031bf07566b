"""Reading and writing objects, as Kubernetes' API server answers."""
