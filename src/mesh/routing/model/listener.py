"""Where Envoy listens, and who calls there."""

from dataclasses import dataclass, field
from enum import Enum

from mesh.resources.istio.ingress_gateway import ROOT_NAMESPACE, SERVICE_ACCOUNT, WORKLOAD
from mesh.resources.values.identity import principal
from mesh.resources.values.ref import Ref
from mesh.routing.model.route import WeightedCluster
from mesh.routing.model.security import Access
from mesh.routing.model.transparent import Capture


@dataclass(frozen=True, slots=True)
class Source:
    """Who calls through a listener: the pod's namespace and labels, and the branch that it belongs to."""

    namespace: str
    pod: str
    labels: tuple[tuple[str, str], ...]
    workload: str = ""
    branch: str = ""
    service_account: str = "default"

    @property
    def principal(self) -> str:
        """The identity that Istio gives to a pod: its namespace and service account."""
        return principal(self.namespace, self.service_account)


# Who calls for requests that come in by the gateway.
INGRESS = Source(ROOT_NAMESPACE, WORKLOAD, (), service_account=SERVICE_ACCOUNT)


class Role(Enum):
    """What a listener is for."""

    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    NODE_PORT = "nodeport"
    CLUSTER_IP = "clusterip"
    DEVELOPER = "developer"


@dataclass(frozen=True, slots=True)
class TlsTermination:
    """TLS that ends at a gateway. Everything in PEM; `least` and `most` as Istio names versions (TLSV1_2). A client's
    certificate must be for one of `names`, and one of `spki` or `hashes`, where there are any. `accept_untrusted`: a
    certificate of somebody else is as good as none."""

    certificate: str
    key: str = field(repr=False)
    authority: str = ""
    require_client: bool = False
    least: str = ""
    most: str = ""
    ciphers: tuple[str, ...] = ()
    http: bool = True
    names: tuple[str, ...] = ()
    spki: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    accept_untrusted: bool = False


@dataclass(frozen=True, slots=True)
class FilterChain:
    """What a listener does for the names that a TLS client asks for (SNI); "*" is every other. TLS ends here, or is
    left to the pod; then HTTP by the listener's table or the chain's own, or bytes `to` clusters."""

    names: tuple[str, ...]
    terminate: TlsTermination | None = None
    to: tuple[WeightedCluster, ...] = ()
    origins: tuple[Ref, ...] = ()
    access: tuple[Access, ...] = ()
    table: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where Envoy listens. HTTP by `table`, or plain TCP to `cluster`; with both, the first bytes of a connection
    decide. `to` shares TCP connections among several clusters. With `chains` the name that a TLS client asks for
    decides.
    `passthrough`: its table may send requests to hosts that the mesh does not know. `logged`: Envoy logs the requests
    that come in here.

    `access` is what must hold for bytes (for HTTP, the rows have it).
    `netns` is the file of another network namespace that it listens in. `pipe` is a Unix socket that it listens on
    instead: the edge accepts at the address and port, and passes connections on with PROXY protocol. `capture`: it
    takes all that a pod sends, wherever that was going. `datagrams`: it takes UDP, for `cluster` alone.
    """

    name: str
    role: Role
    address: str
    port: int
    table: str | None = None
    cluster: str | None = None
    source: Source | None = None
    origins: tuple[Ref, ...] = ()
    to: tuple[WeightedCluster, ...] = ()
    chains: tuple[FilterChain, ...] = ()
    passthrough: bool = False
    logged: bool = True
    netns: str = ""
    pipe: str = ""
    capture: Capture | None = None
    access: tuple[Access, ...] = ()
    datagrams: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """Every route table that it asks for."""
        named = (self.table or "", *(chain.table for chain in self.chains))
        return tuple(dict.fromkeys(table for table in named if table))

    @property
    def is_proxy(self) -> bool:
        """Whether its clients use it as their HTTP proxy."""
        return self.role in (Role.SIDECAR, Role.DEVELOPER) and self.capture is None and not self.pipe
