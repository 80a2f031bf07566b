"""Branches as plain Kubernetes and Istio YAML, for a cluster without a controller for them. Pure."""

from mesh.branches.render.around import Around
from mesh.branches.render.objects import local_paths, of_data, render

__all__ = ["Around", "local_paths", "of_data", "render"]
