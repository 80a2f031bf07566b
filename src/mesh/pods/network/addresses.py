"""Addresses and ports of namespaces mode, the same in every mesh: none of them exists on the host."""

MESH_NETWORK = "10.244.0.0"
MESH_PREFIX = 16
MESH_ADDRESS = "10.244.0.1"
HOST_ADDRESS = "10.244.0.2"
SERVICE_NETWORK, SERVICE_PREFIX = "10.96.0.0", 12
DNS_ADDRESS = "10.96.0.10"
# Istio's port for names, too. Not 53: a pod may run a name server of its own.
DNS_PORT = 15053
