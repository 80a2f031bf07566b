"""Kubernetes' own kinds: core, apps and discovery.k8s.io."""
