"""What the product sets differently from the mesh's own defaults."""

from mesh.daemon.home import Settings

# The namespace of the mall's manifests.
NAMESPACE = "mesh"
DEFAULTS = Settings(namespace=NAMESPACE)
# The NodePort of the mall's Service (deploy/mesh-mall-v1.yaml).
NODE_PORT = 31004
