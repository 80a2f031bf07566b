"""The defaults that the Gateway API's schemas write into objects (gateway.networking.k8s.io, `default` in its CRDs).

A controller, a test or server-side apply finds them in what is stored: `weight: 1`, `kind: Service`, the path `/`.
"""

from typing import Any

from mesh.resources.gateway_api.types import GROUP
from mesh.resources.values.body import Body


def fill_gateway(body: Body) -> None:
    """A Gateway's defaults."""
    for listener in body["spec"].get("listeners") or []:
        namespaces = listener.setdefault("allowedRoutes", {}).setdefault("namespaces", {})
        namespaces.setdefault("from", "Same")
        for kind in listener["allowedRoutes"].get("kinds") or []:
            kind.setdefault("group", GROUP)
        if (tls := listener.get("tls")) is not None:
            tls.setdefault("mode", "Terminate")
            for reference in tls.get("certificateRefs") or []:
                _defaults(reference, group="", kind="Secret")
    for address in body["spec"].get("addresses") or []:
        address.setdefault("type", "IPAddress")


def fill_http_route(body: Body) -> None:
    """An HTTPRoute's defaults: without rules, and in a rule without matches, one that takes every request."""
    spec = body.setdefault("spec", {})
    _parents(spec)
    for rule in spec.setdefault("rules", [{}]):
        for match in rule.setdefault("matches", [{}]):
            _defaults(match.setdefault("path", {}), type="PathPrefix", value="/")
            for value in [*(match.get("headers") or []), *(match.get("queryParams") or [])]:
                value.setdefault("type", "Exact")
        _destinations(rule)


def fill_grpc_route(body: Body) -> None:
    """A GRPCRoute's defaults."""
    spec = body.setdefault("spec", {})
    _parents(spec)
    for rule in spec.get("rules") or []:
        for match in rule.get("matches") or []:
            if (method := match.get("method")) is not None:
                method.setdefault("type", "Exact")
            for header in match.get("headers") or []:
                header.setdefault("type", "Exact")
        _destinations(rule)


def _parents(spec: Body) -> None:
    for parent in spec.get("parentRefs") or []:
        _defaults(parent, group=GROUP, kind="Gateway")


def _destinations(rule: Body) -> None:
    _filters(rule)
    for backend in rule.get("backendRefs") or []:
        _defaults(backend, group="", kind="Service", weight=1)
        _filters(backend)


def _filters(holder: Body) -> None:
    for route_filter in holder.get("filters") or []:
        if (redirect := route_filter.get("requestRedirect")) is not None:
            redirect.setdefault("statusCode", 302)
        if (mirror := route_filter.get("requestMirror")) is not None:
            _defaults(mirror["backendRef"], group="", kind="Service")
            if (fraction := mirror.get("fraction")) is not None:
                fraction.setdefault("denominator", 100)
        if (cors := route_filter.get("cors")) is not None:
            cors.setdefault("maxAge", 5)


def _defaults(fields: Body, **values: Any) -> None:
    for name, value in values.items():
        fields.setdefault(name, value)
