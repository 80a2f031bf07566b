"""What the Gateway API's schemas refuse (gateway.networking.k8s.io), and what the mesh does not serve."""

import re
from collections.abc import Iterator, Sequence

from mesh.resources.checks.api_listeners import check_listeners, wrong_hostname
from mesh.resources.checks.gateway_tls import check_gateway_tls
from mesh.resources.gateway_api.types import (
    AllowedListeners,
    BackendObjectReference,
    BackendRef,
    Gateway,
    GatewayAddress,
    GatewayClass,
    GRPCRoute,
    GRPCRouteMatch,
    HTTPPathModifier,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteTimeouts,
    ParentReference,
    ReferenceGrant,
    RouteFilter,
    ValueMatch,
)
from mesh.resources.values.durations import seconds, wrong_duration
from mesh.resources.values.names import none_of, wrong_label, wrong_port, wrong_subdomain
from mesh.resources.values.problems import FieldError, required
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
    yield from check_listeners(gateway.spec.listeners)
    yield from check_gateway_tls(gateway.spec.tls)
    yield from _allowed_listeners(gateway.spec.allowed_listeners)
    yield from _addresses(gateway.spec.addresses)


def _allowed_listeners(allowed: AllowedListeners) -> Errors:
    where = "spec.allowedListeners.namespaces"
    yield from none_of(allowed.namespaces.from_, ("All", "Same", "Selector", "None"), f"{where}.from")
    if allowed.namespaces.from_ == "Selector" and allowed.namespaces.selector is None:
        yield required(f"{where}.selector", "is missing; from: Selector needs it")


def _addresses(addresses: Sequence[GatewayAddress]) -> Errors:
    for number, address in enumerate(addresses):
        if address.value and address in addresses[:number]:
            yield FieldError("spec.addresses", f'"{address.value[:80]}" is there twice')


def check_http_route(route: HTTPRoute) -> Errors:
    """Everything wrong with an HTTPRoute by itself."""
    yield from check_parents_and_hostnames(route.spec.parent_refs, route.spec.hostnames)
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
    yield from check_parents_and_hostnames(route.spec.parent_refs, route.spec.hostnames)
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


def check_parents_and_hostnames(parents: Sequence[ParentReference], hostnames: Sequence[str]) -> Errors:
    """What every kind of route can get wrong."""
    for number, hostname in enumerate(hostnames):
        yield from wrong_hostname(hostname, f"spec.hostnames[{number}]")
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
        yield from check_backend_port(mirror.backend_ref, f"{path}.requestMirror.backendRef")
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
        yield from check_backend_port(backend, where)
        yield from _filters(backend.filters, OF_BACKENDS, f"{where}.filters")


def check_backend_port(backend: BackendObjectReference, path: str) -> Errors:
    """A Service is called at a port; other kinds may have none."""
    if (backend.group, backend.kind) == ("", "Service") and not backend.port:
        yield FieldError(path, "port is missing; name one of the ports of the Service")
    elif backend.port and (wrong := wrong_port(backend.port)):
        yield FieldError(f"{path}.port", wrong)
