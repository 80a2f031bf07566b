"""Where the rows of a rule are for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mesh.resources.istio.virtual_service import Destination
from mesh.resources.values.ref import Ref

# Istio's reserved word for calls between pods, in place of a Gateway's name.
MESH = "mesh"

Resolve = Callable[[Destination, str], str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway ("ns/name") or the mesh, called from a namespace, on a port.

    `cluster_for` names the cluster of a destination as written in a namespace; None when there is none. `nobody`
    names one without endpoints, for a share of requests whose destination is missing. `here` is the port that
    clients really call. `asked` are the clusters that were named until now, with the objects behind them.
    """

    gateway: str
    namespace: str
    port: int
    cluster_for: Resolve
    labels: Mapping[str, str]
    nobody: Callable[[Destination, str], str]
    here: int = 0
    asked: Callable[[], Iterable[tuple[str, tuple[Ref, ...]]]] = tuple


def qualified(gateway: str, namespace: str) -> str:
    """A Gateway as a rule of a namespace names it, as "namespace/name"; `mesh` stays."""
    return gateway if gateway == MESH or "/" in gateway else f"{namespace}/{gateway}"
