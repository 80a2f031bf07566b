"""What the schemas of TLSRoute, TCPRoute and UDPRoute refuse."""

import ipaddress
from collections.abc import Iterator, Sequence

from mesh.resources.checks.gateway_api import check_backend_port, check_parents_and_hostnames
from mesh.resources.gateway_api.stream_routes import StreamRouteRule, TCPRoute, TLSRoute, UDPRoute
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]
MOST_HOSTNAMES, MOST_RULES, MOST_BACKENDS = 1024, 1, 16
HEAVIEST = 1_000_000


def check_tls_route(route: TLSRoute) -> Errors:
    """Everything wrong with a TLSRoute by itself."""
    if not route.spec.hostnames:
        yield required("spec.hostnames", "is empty; name the hosts that TLS clients ask for")
    if len(route.spec.hostnames) > MOST_HOSTNAMES:
        yield FieldError("spec.hostnames", f"has {len(route.spec.hostnames)} hostnames; at most {MOST_HOSTNAMES}")
    if any(map(_is_address, route.spec.hostnames)):
        yield FieldError("spec.hostnames", "contains an IP address; TLS clients ask for names")
    yield from check_parents_and_hostnames(route.spec.parent_refs, route.spec.hostnames)
    yield from _rules(route.spec.rules)


def check_stream_route(route: TCPRoute | UDPRoute) -> Errors:
    """Everything wrong with a TCPRoute or a UDPRoute by itself."""
    yield from check_parents_and_hostnames(route.spec.parent_refs, ())
    yield from _rules(route.spec.rules)


def _rules(rules: Sequence[StreamRouteRule]) -> Errors:
    if not rules:
        yield required("spec.rules", "is empty; a rule names where connections go")
    if len(rules) > MOST_RULES:
        yield FieldError("spec.rules", f"has {len(rules)} rules; at most {MOST_RULES}")
    for number, rule in enumerate(rules):
        path = f"spec.rules[{number}].backendRefs"
        if not rule.backend_refs:
            yield required(path, "is empty; name at least one Service")
        if len(rule.backend_refs) > MOST_BACKENDS:
            yield FieldError(path, f"has {len(rule.backend_refs)} backends; at most {MOST_BACKENDS}")
        for place, backend in enumerate(rule.backend_refs):
            if not 0 <= backend.weight <= HEAVIEST:
                yield FieldError(f"{path}[{place}].weight", f"{backend.weight} is not 0 to {HEAVIEST}")
            yield from check_backend_port(backend, f"{path}[{place}]")


def _is_address(hostname: str) -> bool:
    try:
        ipaddress.ip_address(hostname)
    except ValueError:
        return False
    return True
