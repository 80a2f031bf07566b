"""VirtualService (Istio networking.istio.io).

Durations are strings as Istio's JSON has them ("1.5s").
"""

from msgspec import field

from mesh.resources.istio.common import IstioStatus, Percent, PortSelector, StringMatch
from mesh.resources.values.meta import Part, Resource


class Destination(Part, frozen=True):
    host: str
    subset: str = ""
    port: PortSelector | None = None


class HeaderOperations(Part, frozen=True):
    set: dict[str, str] = {}
    add: dict[str, str] = {}
    remove: list[str] = []


class Headers(Part, frozen=True):
    request: HeaderOperations | None = None
    response: HeaderOperations | None = None


class HTTPRouteDestination(Part, frozen=True):
    destination: Destination
    weight: int = 0
    headers: Headers | None = None


class RouteDestination(Part, frozen=True):
    destination: Destination
    weight: int = 0


class HTTPMatchRequest(Part, frozen=True):
    """Conditions of one block must all hold. A header's match `{}` matches any value."""

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


class HTTPRedirect(Part, frozen=True):
    """`uri` replaces the whole path, `prefix_rewrite` the prefix that the route matched."""

    uri: str = ""
    prefix_rewrite: str = ""
    authority: str = ""
    port: int = 0
    derive_port: str = ""
    scheme: str = ""
    redirect_code: int = 301


class HTTPBody(Part, frozen=True):
    string: str | None = None
    bytes: str | None = None


class HTTPDirectResponse(Part, frozen=True):
    status: int
    body: HTTPBody | None = None


class RegexRewrite(Part, frozen=True):
    match: str = ""
    rewrite: str = ""


class HTTPRewrite(Part, frozen=True):
    uri: str = ""
    authority: str = ""
    uri_regex_rewrite: RegexRewrite | None = None


class HTTPRetry(Part, frozen=True):
    attempts: int = 0
    per_try_timeout: str = ""
    retry_on: str = ""
    retry_remote_localities: bool | None = None
    retry_ignore_previous_hosts: bool | None = None
    backoff: str = ""


class FaultDelay(Part, frozen=True):
    fixed_delay: str = ""
    exponential_delay: str = ""
    percentage: Percent | None = None
    percent: int | None = None


class FaultAbort(Part, frozen=True):
    http_status: int = 0
    grpc_status: str = ""
    http2_error: str = field(name="http2Error", default="")
    percentage: Percent | None = None


class HTTPFaultInjection(Part, frozen=True):
    delay: FaultDelay | None = None
    abort: FaultAbort | None = None


class HTTPMirrorPolicy(Part, frozen=True):
    destination: Destination
    percentage: Percent | None = None


class CorsPolicy(Part, frozen=True):
    allow_origins: list[StringMatch] = []
    allow_origin: list[str] = []
    allow_methods: list[str] = []
    allow_headers: list[str] = []
    expose_headers: list[str] = []
    max_age: str = ""
    allow_credentials: bool | None = None
    unmatched_preflights: str = ""


class Delegate(Part, frozen=True):
    name: str
    namespace: str = ""


class HTTPRoute(Part, frozen=True):
    """The first route with a matching block takes the request; a route without blocks matches every request."""

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


class L4MatchAttributes(Part, frozen=True):
    destination_subnets: list[str] = []
    source_subnet: str = ""
    port: int = 0
    source_labels: dict[str, str] = {}
    gateways: list[str] = []
    source_namespace: str = ""


class TCPRoute(Part, frozen=True):
    match: list[L4MatchAttributes] = []
    route: list[RouteDestination] = []


class TLSMatchAttributes(Part, frozen=True):
    sni_hosts: list[str]
    destination_subnets: list[str] = []
    port: int = 0
    source_labels: dict[str, str] = {}
    gateways: list[str] = []
    source_namespace: str = ""


class TLSRoute(Part, frozen=True):
    match: list[TLSMatchAttributes]
    route: list[RouteDestination] = []


class VirtualServiceSpec(Part, frozen=True):
    hosts: list[str] = []
    gateways: list[str] = []
    http: list[HTTPRoute] = []
    tcp: list[TCPRoute] = []
    tls: list[TLSRoute] = []
    export_to: list[str] = []


class VirtualService(Resource, frozen=True):
    spec: VirtualServiceSpec = field(default_factory=VirtualServiceSpec)
    status: IstioStatus = field(default_factory=IstioStatus)
