"""Ports on which the parts of the mesh must agree: pods connect there, and routing makes Envoy listen there."""

# Istio's port for the calls of a pod: programs reach it as their HTTP proxy, or are redirected to it.
SIDECAR_PORT = 15001
