"""VirtualService (Istio networking.istio.io).

Durations are strings as Istio's JSON has them ("1.5s").
"""

from typing import ClassVar

from msgspec import field

from mesh.resources.istio import IstioStatus, Percent, PortSelector, StringMatch
from mesh.resources.meta import Part, Resource


class Destination(Part):
    host: str
    subset: str = ""
    port: PortSelector | None = None


class HeaderOperations(Part):
    set: dict[str, str] = {}
    add: dict[str, str] = {}
    remove: list[str] = []


class Headers(Part):
    request: HeaderOperations | None = None
    response: HeaderOperations | None = None


class HTTPRouteDestination(Part):
    destination: Destination
    weight: int = 0
    headers: Headers | None = None


class RouteDestination(Part):
    destination: Destination
    weight: int = 0


class HTTPMatchRequest(Part):
    """Conditions of one block must all hold. A header's match `{}` asks for its presence."""

    name: str = ""
    uri: StringMatch | None = None
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: dict[str, StringMatch] = {}
    without_headers: dict[str, StringMatch] = {}
    query_params: dict[str, StringMatch] = {}
    ignore_uri_case: bool = False
    port: int = 0
    source_labels: dict[str, str] = {}
    source_namespace: str = ""
    gateways: list[str] = []
    stat_prefix: str = ""
    INERT: ClassVar = frozenset({"statPrefix"})


class HTTPRedirect(Part):
    uri: str = ""
    authority: str = ""
    port: int = 0
    derive_port: str = ""
    scheme: str = ""
    redirect_code: int = 301


class HTTPBody(Part):
    string: str | None = None
    bytes: str | None = None


class HTTPDirectResponse(Part):
    status: int
    body: HTTPBody | None = None


class RegexRewrite(Part):
    match: str = ""
    rewrite: str = ""


class HTTPRewrite(Part):
    uri: str = ""
    authority: str = ""
    uri_regex_rewrite: RegexRewrite | None = None


class HTTPRetry(Part):
    attempts: int = 0
    per_try_timeout: str = ""
    retry_on: str = ""
    retry_remote_localities: bool | None = None
    retry_ignore_previous_hosts: bool | None = None
    backoff: str = ""
    INERT: ClassVar = frozenset({"retryRemoteLocalities"})


class FaultDelay(Part):
    fixed_delay: str = ""
    percentage: Percent | None = None
    percent: int | None = None


class FaultAbort(Part):
    http_status: int = 0
    grpc_status: str = ""
    percentage: Percent | None = None


class HTTPFaultInjection(Part):
    delay: FaultDelay | None = None
    abort: FaultAbort | None = None


class HTTPMirrorPolicy(Part):
    destination: Destination
    percentage: Percent | None = None


class CorsPolicy(Part):
    allow_origins: list[StringMatch] = []
    allow_origin: list[str] = []
    allow_methods: list[str] = []
    allow_headers: list[str] = []
    expose_headers: list[str] = []
    max_age: str = ""
    allow_credentials: bool | None = None
    unmatched_preflights: str = ""
    INERT: ClassVar = frozenset({"unmatchedPreflights"})


class Delegate(Part):
    name: str
    namespace: str = ""


class HTTPRoute(Part):
    """The first route of which one match block holds takes the request; no block takes every request."""

    name: str = ""
    match: list[HTTPMatchRequest] = []
    route: list[HTTPRouteDestination] = []
    redirect: HTTPRedirect | None = None
    direct_response: HTTPDirectResponse | None = None
    delegate: Delegate | None = None
    rewrite: HTTPRewrite | None = None
    timeout: str = ""
    retries: HTTPRetry | None = None
    fault: HTTPFaultInjection | None = None
    mirror: Destination | None = None
    mirrors: list[HTTPMirrorPolicy] = []
    mirror_percentage: Percent | None = None
    mirror_percent: int | None = None
    cors_policy: CorsPolicy | None = None
    headers: Headers | None = None


class L4MatchAttributes(Part):
    destination_subnets: list[str] = []
    port: int = 0
    source_labels: dict[str, str] = {}
    gateways: list[str] = []
    source_namespace: str = ""


class TCPRoute(Part):
    match: list[L4MatchAttributes] = []
    route: list[RouteDestination] = []


class TLSMatchAttributes(Part):
    sni_hosts: list[str]
    destination_subnets: list[str] = []
    port: int = 0
    source_labels: dict[str, str] = {}
    gateways: list[str] = []
    source_namespace: str = ""


class TLSRoute(Part):
    match: list[TLSMatchAttributes]
    route: list[RouteDestination] = []


class VirtualServiceSpec(Part):
    hosts: list[str] = []
    gateways: list[str] = []
    http: list[HTTPRoute] = []
    tcp: list[TCPRoute] = []
    tls: list[TLSRoute] = []
    export_to: list[str] = []
    INERT: ClassVar = frozenset({"tcp", "tls", "exportTo"})


class VirtualService(Resource):
    spec: VirtualServiceSpec = field(default_factory=VirtualServiceSpec)
    status: IstioStatus = field(default_factory=IstioStatus)
