"""The Kubernetes REST surface over the store."""
