"""What a listener inside a pod's namespace does with connections, by where they were going."""

from dataclasses import dataclass

from mesh.resources.values.ref import Ref
from mesh.routing.model.route import WeightedCluster
from mesh.routing.model.security import Access

# Clusters of the namespaces mode. To wherever a connection was going, inside the mesh; and out of it, by the edge.
DIRECT, EGRESS = "DirectToPod", "PassthroughCluster"
# What must hold for bytes sent straight to a pod's IP: a resource of its own, since it changes with every pod.
POD_ACCESS = "mesh.pods"


@dataclass(frozen=True, slots=True)
class TcpRoute:
    """Bytes that were going to one of `places` ("address:port"), or without any asked for a TLS server of one of
    `names` (on `port`, 0: on any). `declared`: the port says that it is no HTTP, so nobody looks for it there."""

    name: str
    to: tuple[WeightedCluster, ...]
    places: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    port: int = 0
    declared: bool = False
    access: tuple[Access, ...] = ()
    origins: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything but HTTP, which asks the listener's table.

    `uninspected` are ports where nobody waits for a client's first bytes: some Service says TCP and none says HTTP.
    `http_ports` are those of Services that say HTTP, where a client that sends nothing yet is still a client of HTTP.
    `reserved` are addresses outside of the pods' range that are always reached by way of the edge ("address" or
    "address:port"). `any_host`: so is every other.
    """

    pod_prefix: str
    reserved: tuple[str, ...] = ()
    routes: tuple[TcpRoute, ...] = ()
    uninspected: tuple[int, ...] = ()
    http_ports: tuple[int, ...] = ()
    any_host: bool = False


@dataclass(frozen=True, slots=True)
class PodAccess:
    """Who may send bytes straight to pods. `guarded` are groups of pods by IP and what must hold for them: by a port
    that some policy names, 0 for all others (it comes last)."""

    guarded: tuple[tuple[tuple[str, ...], tuple[tuple[int, Access | None], ...]], ...] = ()
    origins: tuple[Ref, ...] = ()
