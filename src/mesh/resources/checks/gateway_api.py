"""What the Gateway API's schemas refuse (gateway.networking.k8s.io), and what the mesh does not serve."""

import re
from collections.abc import Iterator, Sequence

from mesh.resources.gateway_api.types import (
    BackendObjectReference,
    BackendRef,
    Gateway,
    GatewayClass,
    GRPCRoute,
    GRPCRouteMatch,
    HTTPPathModifier,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteTimeouts,
    Listener,
    ParentReference,
    ReferenceGrant,
    RouteFilter,
    ValueMatch,
)
from mesh.resources.values.durations import seconds, wrong_duration
from mesh.resources.values.names import none_of, wrong_host, wrong_label, wrong_port, wrong_subdomain
from mesh.resources.values.problems import FieldError, Reason, required
from mesh.resources.values.regex import wrong_regex

Errors = Iterator[FieldError]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
VALUES = ("Exact", "RegularExpression")
PATHS = ("Exact", "PathPrefix", "RegularExpression")
REDIRECTS = (301, 302, 303, 307, 308)
FILTERS = {
    "RequestHeaderModifier": "request_header_modifier",
    "ResponseHeaderModifier": "response_header_modifier",
    "RequestMirror": "request_mirror",
    "RequestRedirect": "request_redirect",
    "URLRewrite": "url_rewrite",
    "CORS": "cors",
}
FIELDS = {**{name: name[0].lower() + name[1:] for name in FILTERS}, "URLRewrite": "urlRewrite", "CORS": "cors"}
OF_GRPC = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror")
OF_BACKENDS = ("RequestHeaderModifier", "ResponseHeaderModifier")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_\x60|~]{1,256}")
PATH = re.compile(r"/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*")
GRPC_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9.]*")
MOST_RULES = 16
MOST_MATCHES = 64


def check_gateway_class(gateway_class: GatewayClass) -> Errors:
    """Everything wrong with a GatewayClass by itself."""
    domain, slash, path = gateway_class.spec.controller_name.partition("/")
    if not slash or not path or wrong_subdomain(domain):
        yield FieldError("spec.controllerName", f'"{gateway_class.spec.controller_name[:80]}" is not "domain/path"')


def check_api_gateway(gateway: Gateway) -> Errors:
    """Everything wrong with a Gateway by itself."""
    if wrong := wrong_subdomain(gateway.spec.gateway_class_name):
        yield FieldError("spec.gatewayClassName", wrong)
    if not gateway.spec.listeners:
        yield required("spec.listeners", "is empty; a Gateway needs at least one listener")
    names: set[str] = set()
    places: set[tuple[int, str, str]] = set()
    for number, listener in enumerate(gateway.spec.listeners):
        path = f"spec.listeners[{number}]"
        yield from _listener(listener, path)
        if listener.name in names:
            # Two errors, as from the schema: the list is a map by name, and a rule says so once more.
            yield FieldError(path, f'duplicate name "{listener.name}"', reason=Reason.DUPLICATE)
            yield FieldError("spec.listeners", f'"{listener.name}" is the name of two listeners')
        place = (listener.port, listener.protocol, listener.hostname)
        # The API server refuses it, too: the two could not be told apart by any request.
        if place in places:
            combination = f"{listener.port}, {listener.protocol} and {listener.hostname or 'no hostname'}"
            yield FieldError("spec.listeners", f"two have the same port, protocol and hostname ({combination})")
        names.add(listener.name)
        places.add(place)


def _listener(listener: Listener, path: str) -> Errors:
    if wrong := wrong_subdomain(listener.name):
        yield FieldError(f"{path}.name", wrong)
    if wrong := wrong_port(listener.port):
        yield FieldError(f"{path}.port", wrong)
    if listener.hostname:
        yield from _hostname(listener.hostname, f"{path}.hostname")
    if listener.protocol in ("HTTP", "TCP", "UDP") and listener.tls is not None:
        message = f"{path}.tls cannot be used with protocol {listener.protocol}; use HTTPS or TLS"
        yield FieldError("spec.listeners", message)
    if listener.protocol == "HTTPS":
        if listener.tls is None:
            yield required(f"{path}.tls", "is missing; HTTPS needs certificateRefs")
        elif listener.tls.mode != "Terminate":
            message = f'{path}.tls.mode "{listener.tls.mode[:80]}" cannot be used with HTTPS; use Terminate'
            yield FieldError("spec.listeners", message)
        elif not listener.tls.certificate_refs:
            yield required(f"{path}.tls.certificateRefs", "is empty; it names a Secret of type kubernetes.io/tls")
    namespaces = listener.allowed_routes.namespaces
    where = f"{path}.allowedRoutes.namespaces"
    yield from none_of(namespaces.from_, ("All", "Same", "Selector"), f"{where}.from")
    if namespaces.from_ == "Selector" and namespaces.selector is None:
        yield required(f"{where}.selector", "is missing; from: Selector needs it")


def _hostname(hostname: str, path: str) -> Errors:
    if hostname == "*" or wrong_host(hostname):
        yield FieldError(path, f'"{hostname[:80]}" is not a hostname: a DNS name, or "*." before one')


def check_http_route(route: HTTPRoute) -> Errors:
    """Everything wrong with an HTTPRoute by itself."""
    yield from _head(route.spec.parent_refs, route.spec.hostnames)
    if len(route.spec.rules) > MOST_RULES:
        yield FieldError("spec.rules", f"has {len(route.spec.rules)} rules; at most {MOST_RULES}")
    for number, rule in enumerate(route.spec.rules):
        path = f"spec.rules[{number}]"
        if len(rule.matches) > MOST_MATCHES:
            yield FieldError(f"{path}.matches", f"has {len(rule.matches)} matches; at most {MOST_MATCHES}")
        for place, match in enumerate(rule.matches):
            yield from _http_match(match, f"{path}.matches[{place}]")
        yield from _filters(rule.filters, tuple(FILTERS), f"{path}.filters")
        yield from _prefixes(rule, path)
        if rule.backend_refs and any(route_filter.request_redirect is not None for route_filter in rule.filters):
            yield FieldError(path, "RequestRedirect cannot be used together with backendRefs")
        yield from _backends(rule.backend_refs, f"{path}.backendRefs")
        if rule.timeouts is not None:
            yield from _timeouts(rule.timeouts, f"{path}.timeouts")
        if rule.retry is not None:
            if rule.retry.backoff:
                yield from wrong_duration(rule.retry.backoff, f"{path}.retry.backoff")
            for place, code in enumerate(rule.retry.codes):
                if not 400 <= code <= 599:
                    yield FieldError(f"{path}.retry.codes[{place}]", f"{code} is not an error status (400-599)")


def _timeouts(timeouts: HTTPRouteTimeouts, path: str) -> Errors:
    wrong = [
        *(wrong_duration(timeouts.request, f"{path}.request") if timeouts.request else ()),
        *(wrong_duration(timeouts.backend_request, f"{path}.backendRequest") if timeouts.backend_request else ()),
    ]
    yield from wrong
    if not wrong and timeouts.request and timeouts.backend_request:
        request, backend_request = seconds(timeouts.request), seconds(timeouts.backend_request)
        # 0 disables the timeout of the request.
        if 0 < request < backend_request:
            message = f"{timeouts.backend_request} is longer than request, {timeouts.request}, which includes every try"
            yield FieldError(path, f"backendRequest: {message}")


def check_grpc_route(route: GRPCRoute) -> Errors:
    """Everything wrong with a GRPCRoute by itself."""
    yield from _head(route.spec.parent_refs, route.spec.hostnames)
    if len(route.spec.rules) > MOST_RULES:
        yield FieldError("spec.rules", f"has {len(route.spec.rules)} rules; at most {MOST_RULES}")
    for number, rule in enumerate(route.spec.rules):
        path = f"spec.rules[{number}]"
        for place, match in enumerate(rule.matches):
            yield from _grpc_match(match, f"{path}.matches[{place}]")
        yield from _filters(rule.filters, OF_GRPC, f"{path}.filters")
        yield from _backends(rule.backend_refs, f"{path}.backendRefs")


def check_reference_grant(grant: ReferenceGrant) -> Errors:
    """Everything wrong with a ReferenceGrant by itself."""
    for name, entries in (("from", grant.spec.from_), ("to", grant.spec.to)):
        if not entries:
            yield required(f"spec.{name}", "is empty; name at least one")
    for number, source in enumerate(grant.spec.from_):
        if wrong := wrong_label(source.namespace):
            yield FieldError(f"spec.from[{number}].namespace", wrong)


def _head(parents: Sequence[ParentReference], hostnames: Sequence[str]) -> Errors:
    for number, hostname in enumerate(hostnames):
        yield from _hostname(hostname, f"spec.hostnames[{number}]")
    for number, parent in enumerate(parents):
        if parent.port and (wrong := wrong_port(parent.port)):
            yield FieldError(f"spec.parentRefs[{number}].port", wrong)
        if parent in parents[:number]:
            yield FieldError(f"spec.parentRefs[{number}]", "duplicate; give each its own sectionName")


def _http_match(match: HTTPRouteMatch, path: str) -> Errors:
    yield from none_of(match.path.type, PATHS, f"{path}.path.type")
    value = match.path.value
    if match.path.type == "RegularExpression":
        if wrong := wrong_regex(value):
            yield FieldError(f"{path}.path", wrong)
    elif not PATH.fullmatch(value):
        yield FieldError(f"{path}.path", f'"{value[:80]}" is not a path: "/" first, no query, no spaces')
    elif "//" in value or "/./" in value or "/../" in value or value.endswith(("/.", "/..")):
        yield FieldError(f"{path}.path", f'"{value[:80]}" has an empty element, "." or ".." in it')
    if match.method:
        yield from none_of(match.method, METHODS, f"{path}.method")
    yield from _values(match.headers, f"{path}.headers")
    yield from _values(match.query_params, f"{path}.queryParams")


def _values(values: Sequence[ValueMatch], path: str) -> Errors:
    for number, match in enumerate(values):
        yield from none_of(match.type, VALUES, f"{path}[{number}].type")
        if not HEADER.fullmatch(match.name):
            yield FieldError(f"{path}[{number}].name", f'"{match.name[:80]}" is not a name')
        if match.type == "RegularExpression" and (wrong := wrong_regex(match.value)):
            yield FieldError(f"{path}[{number}].value", wrong)


def _grpc_match(match: GRPCRouteMatch, path: str) -> Errors:
    yield from _values(match.headers, f"{path}.headers")
    method = match.method
    if method is None:
        return
    yield from none_of(method.type, VALUES, f"{path}.method.type")
    if not method.service and not method.method:
        yield FieldError(f"{path}.method", "names neither a service nor a method; name at least one")
    for name, text in (("service", method.service), ("method", method.method)):
        if not text:
            continue
        if method.type == "RegularExpression":
            if wrong := wrong_regex(text):
                yield FieldError(f"{path}.method.{name}", wrong)
        elif not GRPC_NAME.fullmatch(text):
            yield FieldError(f"{path}.method.{name}", f'"{text[:80]}" is not the name of a gRPC {name}')


def _filters(filters: Sequence[RouteFilter], allowed: Sequence[str], path: str) -> Errors:
    seen: set[str] = set()
    for number, route_filter in enumerate(filters):
        where = f"{path}[{number}]"
        if route_filter.type not in allowed:
            problem = (
                f'"{route_filter.type[:80]}" is not supported {"in a backendRef" if allowed is OF_BACKENDS else "here"}'
            )
            yield FieldError(f"{where}.type", f"{problem}; use {', '.join(allowed)}")
            continue
        required = FILTERS[route_filter.type]
        if getattr(route_filter, required) is None:
            yield FieldError(where, f"{FIELDS[route_filter.type]} is missing; type {route_filter.type} needs it")
        for name, attribute in FILTERS.items():
            if attribute != required and getattr(route_filter, attribute) is not None:
                yield FieldError(where, f"{FIELDS[name]} cannot be used with type {route_filter.type}")
        if route_filter.extension_ref is not None:
            yield FieldError(where, f"extensionRef cannot be used with type {route_filter.type}")
        # Several mirrors are several copies; two rewrites would contradict each other.
        if route_filter.type in seen and route_filter.type != "RequestMirror":
            yield FieldError(path, f"duplicate {route_filter.type}; the specification allows one")
        seen.add(route_filter.type)
        yield from _filter(route_filter, where)
    if {"RequestRedirect", "URLRewrite"} <= seen:
        yield FieldError(path, "RequestRedirect and URLRewrite cannot be combined")


def _filter(route_filter: RouteFilter, path: str) -> Errors:
    for field, headers in (
        ("requestHeaderModifier", route_filter.request_header_modifier),
        ("responseHeaderModifier", route_filter.response_header_modifier),
    ):
        if headers is not None:
            names = [("set", header.name) for header in headers.set]
            names += [("add", header.name) for header in headers.add]
            names += [("remove", name) for name in headers.remove]
            for where, header_name in names:
                if not HEADER.fullmatch(header_name):
                    yield FieldError(f"{path}.{field}.{where}", f'"{header_name[:80]}" is not a header\'s name')
    redirect = route_filter.request_redirect
    if redirect is not None:
        if redirect.status_code not in REDIRECTS:
            message = ", ".join(map(str, REDIRECTS))
            yield FieldError(f"{path}.requestRedirect.statusCode", f"{redirect.status_code} is none of {message}")
        if redirect.scheme:
            yield from none_of(redirect.scheme, ("http", "https"), f"{path}.requestRedirect.scheme")
        if redirect.path is not None:
            yield from _modifier(redirect.path, f"{path}.requestRedirect.path")
    if route_filter.url_rewrite is not None and route_filter.url_rewrite.path is not None:
        yield from _modifier(route_filter.url_rewrite.path, f"{path}.urlRewrite.path")
    mirror = route_filter.request_mirror
    if mirror is not None:
        yield from _port(mirror.backend_ref, f"{path}.requestMirror.backendRef")
        if mirror.percent is not None and not 0 <= mirror.percent <= 100:
            yield FieldError(f"{path}.requestMirror.percent", f"{mirror.percent} is not 0 to 100")
        share = mirror.fraction
        if share is not None and not 0 <= share.numerator <= share.denominator:
            message = f"{share.numerator}/{share.denominator} is not 0 to 1"
            yield FieldError(f"{path}.requestMirror.fraction", message)


def _modifier(modifier: HTTPPathModifier, path: str) -> Errors:
    yield from none_of(modifier.type, ("ReplaceFullPath", "ReplacePrefixMatch"), f"{path}.type")
    for name, text in (
        ("ReplaceFullPath", modifier.replace_full_path),
        ("ReplacePrefixMatch", modifier.replace_prefix_match),
    ):
        if (name == modifier.type) != (text is not None):
            message = "is missing" if text is None else f"cannot be used with type {modifier.type}"
            yield FieldError(path, f"{name[0].lower()}{name[1:]} {message}")


def _prefixes(rule: HTTPRouteRule, path: str) -> Errors:
    """Only a prefix that was matched can be replaced."""
    for route_filter in rule.filters:
        changed = route_filter.url_rewrite or route_filter.request_redirect
        if changed is None or changed.path is None or changed.path.type != "ReplacePrefixMatch":
            continue
        if any(match.path.type != "PathPrefix" for match in rule.matches):
            message = "ReplacePrefixMatch needs all matches to be of type PathPrefix"
            yield FieldError(path, message)


def _backends(backends: Sequence[BackendRef], path: str) -> Errors:
    for number, backend in enumerate(backends):
        where = f"{path}[{number}]"
        if not 0 <= backend.weight <= 1_000_000:
            yield FieldError(f"{where}.weight", f"{backend.weight} is not 0 to 1000000")
        yield from _port(backend, where)
        yield from _filters(backend.filters, OF_BACKENDS, f"{where}.filters")


def _port(backend: BackendObjectReference, path: str) -> Errors:
    if (backend.group, backend.kind) == ("", "Service") and not backend.port:
        yield FieldError(path, "port is missing; name one of the ports of the Service")
    elif backend.port and (wrong := wrong_port(backend.port)):
        yield FieldError(f"{path}.port", wrong)
