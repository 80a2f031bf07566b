"""Where requests go: clusters with their policies, and endpoints."""

from dataclasses import dataclass, field
from enum import Enum

from mesh.resources.values.ref import Ref
from mesh.routing.model.route import HashOn
from mesh.routing.model.security import Access, Requirement


class Balance(Enum):
    ROUND_ROBIN = "ROUND_ROBIN"
    LEAST_REQUEST = "LEAST_REQUEST"
    RANDOM = "RANDOM"
    PASSTHROUGH = "PASSTHROUGH"
    RING_HASH = "RING_HASH"
    MAGLEV = "MAGLEV"


@dataclass(frozen=True, slots=True)
class Outlier:
    """Istio's outlierDetection. Times in seconds, percentages 0-100. `error_codes` empty: 5xx are errors."""

    consecutive_5xx: int | None = None
    consecutive_gateway: int | None = None
    interval: float = 10.0
    base_ejection: float = 30.0
    max_ejection_percent: int = 10
    min_health_percent: int = 0
    split_local_origin: bool = False
    consecutive_local_origin: int | None = None
    error_codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Istio's tcpKeepalive; times in seconds. None leaves the system's own."""

    probes: int | None = None
    time: float | None = None
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class Http2Keepalive:
    """PING frames of HTTP/2: one every `interval` seconds; without an answer in `timeout` the connection ends."""

    interval: float
    timeout: float


@dataclass(frozen=True, slots=True)
class Warmup:
    """How a new endpoint's share grows: over `duration` seconds, from `minimum_percent`, along `aggression`."""

    duration: float
    aggression: float = 1.0
    minimum_percent: float = 10.0


@dataclass(frozen=True, slots=True)
class ConnectionPool:
    """Istio's connectionPool; None leaves Envoy's (or Istio's) default."""

    max_connections: int | None = None
    connect_timeout: float | None = None
    max_pending: int | None = None
    max_requests: int | None = None
    max_requests_per_connection: int | None = None
    max_retries: int | None = None
    idle_timeout: float | None = None
    max_connection_duration: float | None = None
    max_concurrent_streams: int | None = None
    keepalive: Keepalive | None = None
    http2_keepalive: Http2Keepalive | None = None
    tcp_idle_timeout: float | None = None
    use_client_protocol: bool = False


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """Istio's retryBudget: retries at once are `percent` of all requests at once, and `least` in any case."""

    percent: float = 20.0
    least: int = 3


@dataclass(frozen=True, slots=True)
class TlsOrigination:
    """TLS that is spoken to a destination, everything in PEM. Without an `authority` the system's are trusted; `names`
    are what the certificate must be for (the `sni`, when none is said)."""

    sni: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    authority: str = ""
    names: tuple[str, ...] = ()
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Cluster:
    """A named group of endpoints (by EDS) with its policy. `passthrough`: whatever host the request names instead.

    `original_destination`: wherever the connection was going, or with `destination_header` where that header of the
    request says. `egress_socket`: the edge's Unix socket; the edge
    connects to where the connection was going. `detected`: nobody says which version of HTTP its pods speak, so that a
    request goes on in the one that it came in.
    """

    name: str
    balance: Balance = Balance.LEAST_REQUEST
    pool: ConnectionPool = ConnectionPool()
    outlier: Outlier | None = None
    http2: bool = False
    detected: bool = False
    origins: tuple[Ref, ...] = ()
    hash_on: HashOn | None = None
    ring_size: int | None = None
    table_size: int | None = None
    warmup: Warmup | None = None
    access: Access | None = None
    authentication: Requirement = ()
    passthrough: bool = False
    original_destination: bool = False
    destination_header: str = ""
    egress_socket: str = ""
    retry_budget: RetryBudget | None = None
    tls: TlsOrigination | None = None

    @property
    def is_discovered(self) -> bool:
        """Whether its endpoints are resources that Envoy asks for."""
        return not (self.passthrough or self.original_destination or self.egress_socket)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready port of a pod. `weight` 0 is what all others have, too. `pipe` is the Unix socket by which the edge
    passes connections on to it, where it is outside of the mesh's network."""

    address: str
    port: int
    pod: str = ""
    weight: int = 0
    pipe: str = ""


# A cluster with its endpoints, as they are built together; Envoy is sent the two separately.
Group = tuple[Cluster, tuple[Endpoint, ...]]
