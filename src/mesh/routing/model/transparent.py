"""What a listener inside a pod's namespace does with connections, by where they were going."""

from dataclasses import dataclass

from mesh.resources.values.ref import Ref
from mesh.routing.model.route import WeightedCluster

# Clusters of the namespaces mode. To wherever a connection was going, inside the mesh; and out of it, by the edge.
DIRECT, EGRESS = "DirectToPod", "PassthroughCluster"
# The name of the access log of what is captured: there the caller is where a connection comes from.
CAPTURED_LOG = "mesh.captured"
# Where connections end that may go nowhere (Istio's name).
BLACK_HOLE = "BlackHoleCluster"


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
    origins: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Pods that this one may send no bytes to: at one of `ports`, without any at all ports but those of `others`."""

    addresses: tuple[str, ...]
    ports: tuple[int, ...] = ()
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything but HTTP, which asks the listener's table. Who may send bytes where is decided already: the listener
    says who calls, and bytes show nothing else. (Envoy's own filter would ask when the client sends something, which is
    too late where the server speaks first.)

    `uninspected` are ports where nobody waits for a client's first bytes: some Service says TCP and none says HTTP.
    `http_ports` are those of Services that say HTTP, where a client that sends nothing yet is still a client of HTTP.
    `reserved` are addresses outside of the pods' range that are always reached by way of the edge ("address" or
    "address:port"). `any_host`: so is every other.
    """

    pod_prefix: str
    reserved: tuple[str, ...] = ()
    routes: tuple[TcpRoute, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    uninspected: tuple[int, ...] = ()
    http_ports: tuple[int, ...] = ()
    any_host: bool = False
