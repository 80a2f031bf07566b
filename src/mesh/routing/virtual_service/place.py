"""Where the rows of a rule are for."""

from collections.abc import Mapping
from dataclasses import dataclass

from mesh.routing.destinations.names import ClusterNames

# Istio's reserved word for calls between pods, in place of a Gateway's name.
MESH = "mesh"


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway ("ns/name", with its `labels`) or the mesh, called from a namespace, on a port.

    `names` are those of the destinations' clusters there. `here` is the port that clients really call.
    """

    gateway: str
    namespace: str
    port: int
    names: ClusterNames
    labels: Mapping[str, str]
    here: int


def qualified(gateway: str, namespace: str) -> str:
    """A Gateway as a rule of a namespace names it, as "namespace/name"; `mesh` stays."""
    return gateway if gateway == MESH or "/" in gateway else f"{namespace}/{gateway}"
