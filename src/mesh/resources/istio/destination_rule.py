"""DestinationRule (Istio networking.istio.io)."""

from typing import Any

from msgspec import field

from mesh.resources.istio.authorization_policy import WorkloadSelector
from mesh.resources.istio.common import IstioStatus, PortSelector
from mesh.resources.values.meta import Part, Resource

Json = dict[str, Any]


class CookieAttribute(Part, frozen=True):
    name: str
    value: str = ""


class HTTPCookie(Part, frozen=True):
    """The cookie that is hashed; with `ttl` a missing one is set, "0s" for the browser's session."""

    name: str
    path: str = ""
    ttl: str = ""
    attributes: list[CookieAttribute] = []


class RingHash(Part, frozen=True):
    minimum_ring_size: int = 0


class MagLev(Part, frozen=True):
    table_size: int = 0


class ConsistentHashLB(Part, frozen=True):
    """Exactly one of the first four fields is set: what is hashed."""

    http_header_name: str = ""
    http_cookie: HTTPCookie | None = None
    use_source_ip: bool = False
    http_query_parameter_name: str = ""
    ring_hash: RingHash | None = None
    maglev: MagLev | None = None
    minimum_ring_size: int = 0


class WarmupConfiguration(Part, frozen=True):
    """How the share of a new endpoint grows during `duration`."""

    duration: str
    minimum_percent: float | None = None
    aggression: float | None = None


class TcpKeepalive(Part, frozen=True):
    probes: int = 0
    time: str = ""
    interval: str = ""


class LoadBalancerSettings(Part, frozen=True):
    simple: str = ""
    consistent_hash: ConsistentHashLB | None = None
    locality_lb_setting: Json | None = None
    zone_aware_lb_setting: Json | None = None
    warmup_duration_secs: str = ""
    warmup: WarmupConfiguration | None = None


class TCPSettings(Part, frozen=True):
    max_connections: int = 0
    connect_timeout: str = ""
    tcp_keepalive: TcpKeepalive | None = None
    max_connection_duration: str = ""
    idle_timeout: str = ""


class ConnectionKeepalive(Part, frozen=True):
    """PING frames of HTTP/2: how often one is sent, and how long its answer may take."""

    interval: str = ""
    timeout: str = ""


class HTTPSettings(Part, frozen=True):
    http1_max_pending_requests: int = 0
    http2_max_requests: int = 0
    max_requests_per_connection: int = 0
    max_retries: int = 0
    idle_timeout: str = ""
    h2_upgrade_policy: str = ""
    use_client_protocol: bool = False
    max_concurrent_streams: int = 0
    http2_keep_alive: ConnectionKeepalive | None = field(name="http2KeepAlive", default=None)


class ConnectionPoolSettings(Part, frozen=True):
    tcp: TCPSettings | None = None
    http: HTTPSettings | None = None


class OutlierDetection(Part, frozen=True):
    """Percentages are 0-100; 0 for a count of errors switches that count off.

    `outlier_detection_http_error_codes`: the statuses that are errors; without any, 5xx.
    """

    consecutive_5xx_errors: int | None = field(name="consecutive5xxErrors", default=None)
    consecutive_gateway_errors: int | None = None
    consecutive_errors: int | None = None
    consecutive_local_origin_failures: int | None = None
    split_external_local_origin_errors: bool = False
    interval: str = ""
    base_ejection_time: str = ""
    max_ejection_percent: int | None = None
    min_health_percent: int = 0
    outlier_detection_http_error_codes: list[int] = []


class ClientTLSSettings(Part, frozen=True):
    mode: str = "DISABLE"
    client_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    ca_crl: str = ""
    credential_name: str = ""
    subject_alt_names: list[str] = []
    sni: str = ""
    insecure_skip_verify: bool | None = None


class PortTrafficPolicy(Part, frozen=True):
    port: PortSelector
    load_balancer: LoadBalancerSettings | None = None
    connection_pool: ConnectionPoolSettings | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLSSettings | None = None


class RetryBudget(Part, frozen=True):
    """How many retries may be in flight: a percentage of the active requests, and a minimum."""

    percent: float | None = None
    min_retry_concurrency: int | None = None
    budget_interval: str = ""


class TrafficPolicy(Part, frozen=True):
    load_balancer: LoadBalancerSettings | None = None
    connection_pool: ConnectionPoolSettings | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLSSettings | None = None
    port_level_settings: list[PortTrafficPolicy] = []
    tunnel: Json | None = None
    proxy_protocol: Json | None = None
    retry_budget: RetryBudget | None = None


class Subset(Part, frozen=True):
    """The endpoints of the host whose pods carry all of `labels`."""

    name: str
    labels: dict[str, str] = {}
    traffic_policy: TrafficPolicy | None = None


class DestinationRuleSpec(Part, frozen=True):
    host: str
    traffic_policy: TrafficPolicy | None = None
    subsets: list[Subset] = []
    export_to: list[str] = []
    workload_selector: WorkloadSelector | None = None


class DestinationRule(Resource, frozen=True):
    spec: DestinationRuleSpec
    status: IstioStatus = field(default_factory=IstioStatus)
