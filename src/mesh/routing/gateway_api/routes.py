"""HTTPRoutes and GRPCRoutes to rows of a route table, in the specification's order of precedence. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mesh.resources.gateway_api.types import (
    BackendRef,
    GRPCRouteMatch,
    HTTPCORSFilter,
    HTTPHeaderFilter,
    HTTPPathModifier,
    HTTPRequestMirrorFilter,
    HTTPRequestRedirectFilter,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    RouteFilter,
    ValueMatch,
)
from mesh.resources.istio.common import GRPC_STATUSES, PortSelector
from mesh.resources.istio.virtual_service import Destination
from mesh.resources.values.durations import seconds
from mesh.resources.values.hosts import SCHEME_PORTS
from mesh.resources.values.meta import ref_of
from mesh.routing.gateway_api.attachment import AnyRoute, AnyRule, GatewayApi, backend_host, rules_of
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.model.route import (
    Cors,
    Fault,
    Forward,
    HeaderChange,
    HeaderChanges,
    Redirect,
    Respond,
    Retry,
    Rewrite,
    Route,
    WeightedCluster,
)
from mesh.routing.virtual_service.place import Place
from mesh.routing.virtual_service.retry import DEFAULT_RETRY, STATUS_CODES
from mesh.routing.world import age

NO_BACKEND = "mesh-mall: this rule has no backend that can be used\n"
# Which kind of path comes first; the specification leaves regular expressions to us, as Envoy Gateway has them.
RANK = {MatchKind.EXACT: 0, MatchKind.REGEX: 1, MatchKind.PATH_PREFIX: 2, MatchKind.PREFIX: 2, MatchKind.PRESENT: 3}


@dataclass(frozen=True, slots=True)
class Where:
    """Where rows are for: `scheme` is what callers speak, `ports` where a Gateway's ports really are."""

    place: Place
    scheme: str
    ports: Mapping[int, int]


def rows_of(routes: Sequence[AnyRoute], api: GatewayApi, where: Where) -> tuple[Route, ...]:
    """All rows of the routes of one hostname, the first that holds decides."""
    found = [
        ((*_precedence(match), *age(route), number, place), row)
        for route in routes
        for number, rule in enumerate(rules_of(route))
        for place, (match, row) in enumerate(_rows(route, number, rule, api, where))
    ]
    return tuple(row for _, row in sorted(found, key=lambda pair: pair[0]))


def _precedence(match: Match) -> tuple[int, int, int, int, int]:
    path = match.path
    method = sum(each.name == ":method" for each in match.headers)
    return (
        RANK[path.kind] if path is not None else 3,
        -len(path.value) if path is not None else 0,
        -method,
        method - len(match.headers),
        -len(match.query),
    )


def _rows(route: AnyRoute, number: int, rule: AnyRule, api: GatewayApi, where: Where) -> Iterator[tuple[Match, Route]]:
    name = f"{route.metadata.namespace}/{route.metadata.name}[{rule.name or number}]"
    filters = {each.type: each for each in rule.filters}
    modified = filters.get("RequestHeaderModifier"), filters.get("ResponseHeaderModifier")
    headers = HeaderChanges(
        _change(modified[0].request_header_modifier if modified[0] else None),
        _change(modified[1].response_header_modifier if modified[1] else None),
    )
    cors = filters["CORS"].cors if "CORS" in filters else None
    matches: Sequence[HTTPRouteMatch | GRPCRouteMatch]
    if isinstance(rule, HTTPRouteRule):
        matches = rule.matches or [HTTPRouteMatch()]
    else:
        matches = rule.matches or [GRPCRouteMatch()]
    forward, fault = _forward(route, rule, api, where)
    for each in matches:
        match = _http_match(each) if isinstance(each, HTTPRouteMatch) else _grpc_match(each)
        action: Forward | Redirect | Respond = forward
        redirect = filters.get("RequestRedirect")
        if redirect is not None and redirect.request_redirect is not None:
            action = _redirect(redirect.request_redirect, match, where)
        elif isinstance(forward, Forward):
            action = replace(forward, rewrite=_rewrite(filters, match))
        yield (
            match,
            Route(
                name=name,
                match=match,
                action=action,
                headers=headers,
                fault=None if isinstance(action, Redirect) else fault,
                cors=_cors(cors) if cors is not None else None,
                origins=(ref_of(route),),
            ),
        )


def _http_match(match: HTTPRouteMatch) -> Match:
    path = None
    if match.path.type == "Exact":
        path = Pattern(MatchKind.EXACT, match.path.value)
    elif match.path.type == "RegularExpression":
        path = Pattern(MatchKind.REGEX, match.path.value)
    elif prefix := match.path.value.rstrip("/"):
        path = Pattern(MatchKind.PATH_PREFIX, prefix)
    method = (FieldMatch(":method", Pattern(MatchKind.EXACT, match.method)),) if match.method else ()
    return Match(path, (*method, *_fields(match.headers, lower=True)), _fields(match.query_params, lower=False))


def _grpc_match(match: GRPCRouteMatch) -> Match:
    """A gRPC method is called at the path /service/method (gRPC over HTTP/2, PROTOCOL-HTTP2.md)."""
    path, method = None, match.method
    if method is not None and method.type == "RegularExpression":
        path = Pattern(MatchKind.REGEX, f"/{method.service or '[^/]+'}/{method.method or '[^/]+'}")
    elif method is not None and method.service and method.method:
        path = Pattern(MatchKind.EXACT, f"/{method.service}/{method.method}")
    elif method is not None and method.service:
        path = Pattern(MatchKind.PATH_PREFIX, f"/{method.service}")
    elif method is not None:
        path = Pattern(MatchKind.REGEX, f"/[^/]+/{re.escape(method.method)}")
    return Match(path, _fields(match.headers, lower=True))


def _fields(values: Sequence[ValueMatch], *, lower: bool) -> tuple[FieldMatch, ...]:
    """Of two of one name the first counts."""
    found: dict[str, FieldMatch] = {}
    for each in values:
        name = each.name.lower() if lower else each.name
        how = MatchKind.REGEX if each.type == "RegularExpression" else MatchKind.EXACT
        found.setdefault(name, FieldMatch(name, Pattern(how, each.value)))
    return tuple(found.values())


def _change(headers: HTTPHeaderFilter | None) -> HeaderChange:
    if headers is None:
        return HeaderChange()
    set_, add = (
        {each.name.lower(): each.value for each in reversed(pairs) if each.name.lower() != "host"}
        for pairs in (headers.set, headers.add)
    )
    return HeaderChange(tuple(sorted(set_.items())), tuple(sorted(add.items())), tuple(headers.remove))


def _forward(route: AnyRoute, rule: AnyRule, api: GatewayApi, where: Where) -> tuple[Forward | Respond, Fault | None]:
    """Where requests go. The share of backends that cannot be used is aborted, with 500, or UNAVAILABLE for gRPC."""
    wrong, to = 0, []
    for each in rule.backend_refs:
        if api.wrong_backend(route, each) is not None:
            wrong += each.weight
        elif each.weight:
            to.append(WeightedCluster(_cluster(route, each, where), each.weight, _backend_headers(each)))
    is_http = isinstance(route, HTTPRoute)
    if not to:
        # A client of gRPC takes 503 for UNAVAILABLE.
        return Respond(500 if is_http else 503, NO_BACKEND), None
    fault = None
    if wrong:
        share = 100 * wrong / (wrong + sum(each.weight for each in to))
        status = GRPC_STATUSES["UNAVAILABLE"]
        fault = Fault(
            abort_status=500 if is_http else None, abort_grpc=None if is_http else status, abort_percent=share
        )
    mirrors = []
    for number, held in enumerate(each.request_mirror for each in rule.filters if each.request_mirror is not None):
        if api.wrong_backend(route, held.backend_ref) is None:
            mirrors.append((number, _mirror(route, held, where)))
    timeout, retry = _times(rule)
    forward = Forward(tuple(to), timeout=timeout, retry=retry, mirrors=tuple(pair for _, pair in mirrors))
    return forward, fault


def _cluster(route: AnyRoute, ref: BackendRef, where: Where) -> str:
    destination = Destination(host=backend_host(route, ref), port=PortSelector(number=ref.port))
    namespace = route.metadata.namespace
    return where.place.names.always(destination, namespace)


def _backend_headers(ref: BackendRef) -> HeaderChanges:
    request = next((each.request_header_modifier for each in ref.filters if each.request_header_modifier), None)
    response = next((each.response_header_modifier for each in ref.filters if each.response_header_modifier), None)
    return HeaderChanges(_change(request), _change(response), _host(request))


def _host(headers: HTTPHeaderFilter | None) -> str:
    """`Host` is no header like others: setting it names the authority."""
    said = [*headers.set, *headers.add] if headers is not None else []
    return next((each.value for each in said if each.name.lower() == "host"), "")


def _mirror(route: AnyRoute, mirror: HTTPRequestMirrorFilter, where: Where) -> tuple[str, float]:
    percent = 100.0
    if mirror.percent is not None:
        percent = float(mirror.percent)
    elif mirror.fraction is not None:
        percent = 100 * mirror.fraction.numerator / mirror.fraction.denominator
    ref = mirror.backend_ref
    backend = BackendRef(name=ref.name, namespace=ref.namespace, port=ref.port)
    return _cluster(route, backend, where), percent


def _times(rule: AnyRule) -> tuple[float | None, Retry | None]:
    """The timeout of the whole, and retries with the timeout of each try."""
    retry: Retry | None = DEFAULT_RETRY
    if not isinstance(rule, HTTPRouteRule):
        return None, retry
    if rule.retry is not None:
        codes = tuple(rule.retry.codes)
        words = DEFAULT_RETRY.retry_on
        attempts = 1 if rule.retry.attempts is None else rule.retry.attempts
        retry = Retry(
            attempts=attempts,
            retry_on=(*words, STATUS_CODES) if codes else words,
            status_codes=codes,
            backoff=(seconds(rule.retry.backoff) or None) if rule.retry.backoff else None,
        )
    timeouts = rule.timeouts
    if timeouts is None:
        return None, retry
    per_try = (seconds(timeouts.backend_request) or None) if timeouts.backend_request else None
    if per_try is not None and retry is not None:
        retry = replace(retry, per_try_timeout=per_try)
    return (seconds(timeouts.request) or None) if timeouts.request else None, retry


def _rewrite(filters: Mapping[str, RouteFilter], match: Match) -> Rewrite | None:
    modifier = filters.get("RequestHeaderModifier")
    authority = _host(modifier.request_header_modifier) if modifier is not None else ""
    held = filters.get("URLRewrite")
    rewrite = held.url_rewrite if held is not None else None
    if rewrite is None:
        return Rewrite(authority=authority) if authority else None
    found = Rewrite(authority=rewrite.hostname or authority or None)
    if rewrite.path is None:
        return found
    pattern, substitution = _replacing(rewrite.path, match)
    return replace(found, regex=pattern, substitution=substitution)


def _replacing(modifier: HTTPPathModifier, match: Match) -> tuple[str, str]:
    """A path's change as a regular expression and what stands in its place. A prefix is replaced by whole elements:
    neither "//" nor an empty path comes of it."""
    if modifier.type == "ReplaceFullPath":
        return "^.*$", (modifier.replace_full_path or "/").replace("\\", "\\\\")
    prefix = match.path.value if match.path is not None else ""
    wanted = (modifier.replace_prefix_match or "").rstrip("/").replace("\\", "\\\\")
    if not wanted:
        return f"^{re.escape(prefix)}/*", "/"
    return (f"^{re.escape(prefix)}", wanted) if prefix else ("^/", f"{wanted}/")


def _redirect(redirect: HTTPRequestRedirectFilter, match: Match, where: Where) -> Redirect:
    """Without a port, that of the scheme, or of the listener; no port where the scheme says it. A place at this
    gateway is told by the port that it really has."""
    scheme = redirect.scheme or where.scheme
    port = redirect.port or (SCHEME_PORTS[redirect.scheme] if redirect.scheme else where.place.port)
    if not redirect.hostname:
        port = where.ports.get(port, port)
    found = Redirect(
        status=redirect.status_code,
        scheme=redirect.scheme or None,
        authority=redirect.hostname or None,
        port=port if not redirect.hostname or port != SCHEME_PORTS[scheme] else None,
    )
    if redirect.path is None:
        return found
    if redirect.path.type == "ReplaceFullPath":
        return replace(found, path=redirect.path.replace_full_path or "/")
    pattern, substitution = _replacing(redirect.path, match)
    return replace(found, regex=pattern, substitution=substitution)


def _cors(cors: HTTPCORSFilter) -> Cors:
    return Cors(
        allow_origins=tuple(_origin(each) for each in cors.allow_origins),
        allow_methods=tuple(cors.allow_methods),
        allow_headers=tuple(cors.allow_headers),
        expose_headers=tuple(cors.expose_headers),
        max_age=float(cors.max_age),
        allow_credentials=cors.allow_credentials,
        forward_unmatched=False,
    )


def _origin(origin: str) -> Pattern:
    """An origin; `*` stands for any text."""
    if "*" not in origin:
        return Pattern(MatchKind.EXACT, origin)
    return Pattern(MatchKind.REGEX, ".*".join(map(re.escape, origin.split("*"))))
