"""What the edge is started with: files that say what it does, and its admin interface."""

from typing import Any

from mesh.envoy.process.bootstrap import connection_limit

NODE = "mesh-mall-edge"
ADMIN_SOCKET = "edge-admin.sock"
# Relative to the folder that it runs in. Envoy reads a file again when another one is moved in its place.
FOLDER = "edge"
LISTENERS, CLUSTERS = f"{FOLDER}/listeners.json", f"{FOLDER}/clusters.json"


def edge_bootstrap() -> dict[str, Any]:
    """The bootstrap configuration as JSON."""
    return {
        "node": {"id": NODE, "cluster": NODE},
        "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
        "dynamic_resources": {"lds_config": _file(LISTENERS), "cds_config": _file(CLUSTERS)},
        "overload_manager": connection_limit(),
    }


def _file(path: str) -> dict[str, Any]:
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}
