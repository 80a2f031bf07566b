"""What the mesh should do with a request, as plain values: the result of compiling the resources.

A `Snapshot` is built whole, compared with the last and handed to `mesh.envoy`, which alone knows Envoy's
messages. Names of clusters follow Istio: `outbound|<port>|<subset>|<host>`.

Times are seconds. Every value is immutable and hashable, so that a part that did not change is found by
equality. `origins` name the objects a value was made of: a refusal by Envoy is shown on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from mesh.resources.values.ref import Ref


class How(Enum):
    """How a string is compared. REGEX is RE2 and must match the whole value (Istio's meaning). PATH_PREFIX is for
    paths, and takes whole elements: `/a` is a prefix of `/a/b` and no prefix of `/ab`."""

    EXACT = "exact"
    PREFIX = "prefix"
    PATH_PREFIX = "path prefix"
    REGEX = "regex"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Pattern:
    how: How
    value: str = ""
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """A header (lower case; `:method`, `:scheme`, `:authority` for pseudo headers) or query parameter."""

    name: str
    pattern: Pattern
    invert: bool = False


@dataclass(frozen=True, slots=True)
class ClaimMatch:
    """What the token that a gateway has checked says: a text, or one of a list of texts. `path` leads to it."""

    path: tuple[str, ...]
    pattern: Pattern
    invert: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """All parts must hold. An empty Match takes every request.

    `source_labels` and `source_namespace` are held against the calling pod, whose listener says who it is.
    """

    path: Pattern | None = None
    headers: tuple[FieldMatch, ...] = ()
    query: tuple[FieldMatch, ...] = ()
    source_labels: tuple[tuple[str, str], ...] = ()
    source_namespace: str = ""
    claims: tuple[ClaimMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderChange:
    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    """`authority` stands for the request's `Host`, which is no header like others."""

    request: HeaderChange = HeaderChange()
    response: HeaderChange = HeaderChange()
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Weighted:
    """One destination of a route; weights are relative to their sum."""

    cluster: str
    weight: int = 100
    headers: HeaderChanges = HeaderChanges()


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` are retries after the first try. `retry_on` has Envoy's condition names. `backoff` is the least
    time between two tries; None leaves Envoy's (25 ms)."""

    attempts: int
    retry_on: tuple[str, ...]
    status_codes: tuple[int, ...] = ()
    per_try_timeout: float | None = None
    avoid_previous_hosts: bool = True
    backoff: float | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    authority: str | None = None
    prefix: str | None = None
    regex: str | None = None
    substitution: str | None = None


@dataclass(frozen=True, slots=True)
class HashOn:
    """What a consistent hash is taken of: a header, a cookie (made with this lifetime when it is not there), a
    query parameter, or the caller's address."""

    kind: Literal["header", "cookie", "query", "source"]
    name: str = ""
    ttl: float | None = None
    path: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of `to`. `timeout` None means no timeout (Istio's default for HTTP)."""

    to: tuple[Weighted, ...]
    timeout: float | None = None
    retry: Retry | None = None
    rewrite: Rewrite | None = None
    mirrors: tuple[tuple[str, float], ...] = ()
    hash_on: tuple[HashOn, ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    status: int = 301
    scheme: str | None = None
    authority: str | None = None
    port: int | None = None
    path: str | None = None
    prefix: str | None = None
    regex: str | None = None
    substitution: str | None = None


@dataclass(frozen=True, slots=True)
class Respond:
    status: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Percentages are 0-100. `abort_grpc` is the number of a gRPC status, instead of an HTTP one."""

    delay: float | None = None
    delay_percent: float = 100.0
    abort_status: int | None = None
    abort_percent: float = 100.0
    abort_grpc: int | None = None


@dataclass(frozen=True, slots=True)
class Cors:
    allow_origins: tuple[Pattern, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: float | None = None
    allow_credentials: bool | None = None
    forward_unmatched: bool = True


@dataclass(frozen=True, slots=True)
class Condition:
    """One attribute of a request: "principal", "namespace" (of the caller), "ip", "remote ip", "path",
    "header NAME", or of its token "request principal" and "claim" (to which `claim` leads). One of `values` must fit
    (`word`, `word*`, `*word`, `*`); negated, none may."""

    what: str
    values: tuple[str, ...]
    negate: bool = False
    claim: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One of `sources`, one of `operations` (none given: any) and all of `when` must hold."""

    sources: tuple[tuple[Condition, ...], ...] = ()
    operations: tuple[tuple[Condition, ...], ...] = ()
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Who may send what to a destination: nothing that `deny` names, and (unless None) only what `allow` names.

    `at_gateway`: it is asked of who calls a gateway, who has no identity in the mesh.
    """

    allow: tuple[AccessRule, ...] | None = None
    deny: tuple[AccessRule, ...] = ()
    origins: tuple[Ref, ...] = ()
    at_gateway: bool = False


# The names of the providers whose tokens are taken: each must be valid where one is brought.
Requirement = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JwtProvider:
    """An issuer of tokens and where they stand: `headers` are (name, prefix); without any place, Authorization
    (Bearer) and the query parameter access_token. `keys` is a JSON Web Key Set; "": none is known, so no token is
    valid. `payload` names what checked the token: "row" or "gateway". `claim_headers` are (header, claim)."""

    name: str
    issuer: str
    keys: str
    payload: str
    audiences: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    params: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    forward: bool = False
    payload_header: str = ""
    claim_headers: tuple[tuple[str, str], ...] = ()
    space_delimited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authentication:
    """What tokens can be asked for: by rows (each names one of `asked`), or of every request at a gateway's port."""

    name: str
    providers: tuple[JwtProvider, ...] = ()
    asked: tuple[Requirement, ...] = ()
    origins: tuple[Ref, ...] = ()
    at_gateway: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One row; the first whose match holds decides. `name` is shown to people: `mesh/products[fox]`."""

    name: str
    match: Match
    action: Forward | Redirect | Respond
    headers: HeaderChanges = HeaderChanges()
    fault: Fault | None = None
    cors: Cors | None = None
    origins: tuple[Ref, ...] = ()
    stat_prefix: str = ""
    access: tuple[Access, ...] = ()
    authentication: Requirement = ()


@dataclass(frozen=True, slots=True)
class Divert:
    """What one branch does at a host: its requests take the host's rows to other clusters (`swap`: from, to).

    A cluster that is swapped for "" is not ready: such rows answer 503 with `refusal`. A swap from "" stands for
    the whole host, which is the branch's alone.
    """

    branch: str
    swap: tuple[tuple[str, str], ...]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """`domains` are Envoy's: exact, `*.suffix`, or `*`; with and without the port.

    `diverts` are looked up by the request's branch; a request without one, or of one that is not there, takes
    `routes`.
    """

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...]
    origins: tuple[Ref, ...] = ()
    diverts: tuple[Divert, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A way into a branch: `key` as `cookie:user=fox`; `label` is what the answer's `x-branch` says."""

    key: str
    branch: str
    label: str


@dataclass(frozen=True, slots=True)
class Entries:
    """All ways into all branches, asked where requests come in from outside."""

    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteTable:
    """What one group of listeners asks; a table is shared by all pods of a namespace.

    `entries` is set where requests come in from outside.
    """

    name: str
    hosts: tuple[VirtualHost, ...]
    entries: Entries | None = None


class Balance(Enum):
    ROUND_ROBIN = "ROUND_ROBIN"
    LEAST_REQUEST = "LEAST_REQUEST"
    RANDOM = "RANDOM"
    PASSTHROUGH = "PASSTHROUGH"
    RING_HASH = "RING_HASH"
    MAGLEV = "MAGLEV"


@dataclass(frozen=True, slots=True)
class Outlier:
    """Istio's outlierDetection. Times in seconds, percentages 0-100."""

    consecutive_5xx: int | None = None
    consecutive_gateway: int | None = None
    interval: float = 10.0
    base_ejection: float = 30.0
    max_ejection_percent: int = 10
    min_health_percent: int = 0
    split_local_origin: bool = False
    consecutive_local_origin: int | None = None


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Istio's tcpKeepalive; times in seconds. None leaves the system's own."""

    probes: int | None = None
    time: float | None = None
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class Warmup:
    """How a new endpoint's share grows: over `duration` seconds, from `minimum_percent`, along `aggression`."""

    duration: float
    aggression: float = 1.0
    minimum_percent: float = 10.0


@dataclass(frozen=True, slots=True)
class Pool:
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
    tcp_idle_timeout: float | None = None
    use_client_protocol: bool = False


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """Istio's retryBudget: retries at once are `percent` of all requests at once, and `least` in any case."""

    percent: float = 20.0
    least: int = 3


@dataclass(frozen=True, slots=True)
class Originate:
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
    """A named group of endpoints (by EDS) with its policy. `passthrough`: whatever host the request names instead."""

    name: str
    balance: Balance = Balance.LEAST_REQUEST
    pool: Pool = Pool()
    outlier: Outlier | None = None
    http2: bool = False
    origins: tuple[Ref, ...] = ()
    hash_on: HashOn | None = None
    ring_size: int | None = None
    table_size: int | None = None
    warmup: Warmup | None = None
    access: Access | None = None
    authentication: Requirement = ()
    passthrough: bool = False
    retry_budget: RetryBudget | None = None
    tls: Originate | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready port of a pod. `weight` 0 is what all others have, too."""

    address: str
    port: int
    pod: str = ""
    weight: int = 0


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
        return f"cluster.local/ns/{self.namespace}/sa/{self.service_account}"


class Role(Enum):
    """What a listener is for."""

    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    NODE_PORT = "nodeport"
    CLUSTER_IP = "clusterip"
    DEVELOPER = "developer"


@dataclass(frozen=True, slots=True)
class Terminate:
    """TLS that ends at a gateway. Everything in PEM; `least` and `most` as Istio names versions (TLSV1_2). A client's
    certificate must be for one of `names`, and one of `spki` or `hashes`, where any are said."""

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


@dataclass(frozen=True, slots=True)
class Chain:
    """What a listener does for the names that a TLS client asks for (SNI); "*" is every other. TLS ends here, or is
    passed on; then HTTP by the listener's table, or bytes `to` clusters."""

    names: tuple[str, ...]
    terminate: Terminate | None = None
    to: tuple[Weighted, ...] = ()
    origins: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """Where Envoy listens. HTTP by `table`, or plain TCP to `cluster`; exactly one of the two is set. `to` shares TCP
    connections among several clusters. With `chains` the name that a TLS client asks for decides.
    `passthrough`: its table may send requests to hosts that the mesh does not know. `told`: Envoy tells of the requests
    that come in here.
    """

    name: str
    role: Role
    address: str
    port: int
    table: str | None = None
    cluster: str | None = None
    source: Source | None = None
    origins: tuple[Ref, ...] = ()
    to: tuple[Weighted, ...] = ()
    chains: tuple[Chain, ...] = ()
    passthrough: bool = False
    told: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything Envoy should know at one moment, by name; `version` is the store's when it was built."""

    version: int
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    tables: Mapping[str, RouteTable] = field(default_factory=dict)
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    authentications: Mapping[str, Authentication] = field(default_factory=dict)
