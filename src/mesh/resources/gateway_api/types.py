"""GatewayClass, Gateway, HTTPRoute, GRPCRoute and ReferenceGrant (gateway.networking.k8s.io).

Istio has a Gateway too, so kinds are always identified by group and kind.
"""

from msgspec import field

from mesh.resources.gateway_api.gateway_tls import GatewayTLSConfig
from mesh.resources.gateway_api.references import LocalObjectReference, ParametersReference, SecretObjectReference
from mesh.resources.values.meta import Condition, LabelSelector, Part, Resource

GROUP = "gateway.networking.k8s.io"
CLASS_NAME = "meshmall"
CONTROLLER = "meshmall.dev/gateway-controller"
# Other classes that are served: manifests written for Istio run unchanged.
OTHER_CLASS_NAMES = ("istio",)
CONTROLLERS = (CONTROLLER, "istio.io/gateway-controller")


class GatewayClassSpec(Part, frozen=True):
    controller_name: str
    parameters_ref: ParametersReference | None = None
    description: str = ""


class GatewayClassStatus(Part, frozen=True):
    conditions: list[Condition] = []
    supported_features: list[dict[str, str]] = []


class GatewayClass(Resource, frozen=True):
    spec: GatewayClassSpec
    status: GatewayClassStatus = field(default_factory=GatewayClassStatus)


class ListenerTLSConfig(Part, frozen=True):
    mode: str = "Terminate"
    certificate_refs: list[SecretObjectReference] = []
    options: dict[str, str] = {}


class RouteGroupKind(Part, frozen=True):
    kind: str
    group: str = GROUP


class RouteNamespaces(Part, frozen=True):
    """`from_` is All, Same or Selector."""

    from_: str = field(default="Same", name="from")
    selector: LabelSelector | None = None


class AllowedRoutes(Part, frozen=True):
    namespaces: RouteNamespaces = field(default_factory=RouteNamespaces)
    kinds: list[RouteGroupKind] = []


class Listener(Part, frozen=True):
    name: str
    port: int
    protocol: str
    hostname: str = ""
    tls: ListenerTLSConfig | None = None
    allowed_routes: AllowedRoutes = field(default_factory=AllowedRoutes)


class GatewayAddress(Part, frozen=True):
    type: str = "IPAddress"
    value: str = ""


class GatewayInfrastructure(Part, frozen=True):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    parameters_ref: LocalObjectReference | None = None


class ListenerNamespaces(Part, frozen=True):
    """`from_` is None, All, Same or Selector."""

    from_: str = field(default="None", name="from")
    selector: LabelSelector | None = None


class AllowedListeners(Part, frozen=True):
    namespaces: ListenerNamespaces = field(default_factory=ListenerNamespaces)


class GatewaySpec(Part, frozen=True):
    gateway_class_name: str
    listeners: list[Listener] = []
    addresses: list[GatewayAddress] = []
    infrastructure: GatewayInfrastructure = field(default_factory=GatewayInfrastructure)
    allowed_listeners: AllowedListeners = field(default_factory=AllowedListeners)
    tls: GatewayTLSConfig = field(default_factory=GatewayTLSConfig)


class ListenerStatus(Part, frozen=True):
    name: str
    supported_kinds: list[RouteGroupKind] = []
    attached_routes: int = 0
    conditions: list[Condition] = []


class GatewayStatus(Part, frozen=True):
    addresses: list[GatewayAddress] = []
    conditions: list[Condition] = []
    listeners: list[ListenerStatus] = []
    attached_listener_sets: int = 0


class Gateway(Resource, frozen=True):
    spec: GatewaySpec
    status: GatewayStatus = field(default_factory=GatewayStatus)


class ParentReference(Part, frozen=True):
    """A Gateway, a ListenerSet, or a Service of the mesh (group "")."""

    name: str
    group: str = GROUP
    kind: str = "Gateway"
    namespace: str = ""
    section_name: str = ""
    port: int = 0


class HTTPPathMatch(Part, frozen=True):
    """`type` is Exact, PathPrefix (whole elements of the path) or RegularExpression (RE2, the whole path)."""

    type: str = "PathPrefix"
    value: str = "/"


class ValueMatch(Part, frozen=True):
    """A header or a query parameter; `type` is Exact or RegularExpression."""

    name: str
    value: str
    type: str = "Exact"


class HTTPRouteMatch(Part, frozen=True):
    path: HTTPPathMatch = field(default_factory=HTTPPathMatch)
    headers: list[ValueMatch] = []
    query_params: list[ValueMatch] = []
    method: str = ""


class HTTPHeader(Part, frozen=True):
    name: str
    value: str


class HTTPHeaderFilter(Part, frozen=True):
    set: list[HTTPHeader] = []
    add: list[HTTPHeader] = []
    remove: list[str] = []


class HTTPPathModifier(Part, frozen=True):
    """`type` is ReplaceFullPath or ReplacePrefixMatch; the field of that name holds the value."""

    type: str
    replace_full_path: str | None = None
    replace_prefix_match: str | None = None


class HTTPRequestRedirectFilter(Part, frozen=True):
    scheme: str = ""
    hostname: str = ""
    path: HTTPPathModifier | None = None
    port: int = 0
    status_code: int = 302


class HTTPURLRewriteFilter(Part, frozen=True):
    hostname: str = ""
    path: HTTPPathModifier | None = None


class BackendObjectReference(Part, frozen=True):
    name: str
    group: str = ""
    kind: str = "Service"
    namespace: str = ""
    port: int = 0


class Fraction(Part, frozen=True):
    numerator: int
    denominator: int = 100


class HTTPRequestMirrorFilter(Part, frozen=True):
    """Without `percent` (0-100) and `fraction` all requests are copied."""

    backend_ref: BackendObjectReference
    percent: int | None = None
    fraction: Fraction | None = None


class HTTPCORSFilter(Part, frozen=True):
    """`max_age` in seconds."""

    allow_origins: list[str] = []
    allow_credentials: bool = False
    allow_methods: list[str] = []
    allow_headers: list[str] = []
    expose_headers: list[str] = []
    max_age: int = 5


class RouteFilter(Part, frozen=True):
    """A filter of an HTTPRoute or a GRPCRoute: `type` names the one field that is set."""

    type: str
    request_header_modifier: HTTPHeaderFilter | None = None
    response_header_modifier: HTTPHeaderFilter | None = None
    request_mirror: HTTPRequestMirrorFilter | None = None
    request_redirect: HTTPRequestRedirectFilter | None = None
    url_rewrite: HTTPURLRewriteFilter | None = field(default=None, name="urlRewrite")
    cors: HTTPCORSFilter | None = None
    extension_ref: LocalObjectReference | None = None


class StreamBackendRef(BackendObjectReference, frozen=True):
    weight: int = 1


class BackendRef(StreamBackendRef, frozen=True):
    filters: list[RouteFilter] = []


class HTTPRouteTimeouts(Part, frozen=True):
    """Durations as GEP-2257 has them; "0s" is none at all."""

    request: str = ""
    backend_request: str = ""


class HTTPRouteRetry(Part, frozen=True):
    codes: list[int] = []
    attempts: int | None = None
    backoff: str = ""


class HTTPRouteRule(Part, frozen=True):
    name: str = ""
    matches: list[HTTPRouteMatch] = []
    filters: list[RouteFilter] = []
    backend_refs: list[BackendRef] = []
    timeouts: HTTPRouteTimeouts | None = None
    retry: HTTPRouteRetry | None = None


class HTTPRouteSpec(Part, frozen=True):
    parent_refs: list[ParentReference] = []
    hostnames: list[str] = []
    rules: list[HTTPRouteRule] = field(default_factory=lambda: [HTTPRouteRule()])


class RouteParentStatus(Part, frozen=True):
    parent_ref: ParentReference
    controller_name: str
    conditions: list[Condition] = []


class RouteStatus(Part, frozen=True):
    parents: list[RouteParentStatus] = []


class HTTPRoute(Resource, frozen=True):
    spec: HTTPRouteSpec = field(default_factory=HTTPRouteSpec)
    status: RouteStatus = field(default_factory=RouteStatus)


class GRPCMethodMatch(Part, frozen=True):
    """`type` is Exact or RegularExpression; at least one of the two names is set."""

    type: str = "Exact"
    service: str = ""
    method: str = ""


class GRPCRouteMatch(Part, frozen=True):
    method: GRPCMethodMatch | None = None
    headers: list[ValueMatch] = []


class GRPCRouteRule(Part, frozen=True):
    name: str = ""
    matches: list[GRPCRouteMatch] = []
    filters: list[RouteFilter] = []
    backend_refs: list[BackendRef] = []


class GRPCRouteSpec(Part, frozen=True):
    parent_refs: list[ParentReference] = []
    hostnames: list[str] = []
    rules: list[GRPCRouteRule] = field(default_factory=lambda: [GRPCRouteRule()])


class GRPCRoute(Resource, frozen=True):
    spec: GRPCRouteSpec = field(default_factory=GRPCRouteSpec)
    status: RouteStatus = field(default_factory=RouteStatus)


class ReferenceGrantFrom(Part, frozen=True):
    group: str
    kind: str
    namespace: str


class ReferenceGrantTo(Part, frozen=True):
    """Without a name: all objects of the kind."""

    group: str
    kind: str
    name: str = ""


class ReferenceGrantSpec(Part, frozen=True):
    from_: list[ReferenceGrantFrom] = field(default_factory=list, name="from")
    to: list[ReferenceGrantTo] = []


class ReferenceGrant(Resource, frozen=True):
    spec: ReferenceGrantSpec = field(default_factory=ReferenceGrantSpec)
