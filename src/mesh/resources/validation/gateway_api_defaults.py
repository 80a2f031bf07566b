"""The defaults that the Gateway API's schemas write into objects (gateway.networking.k8s.io, `default` in its CRDs).

A controller, a test or server-side apply finds them in what is stored: `weight: 1`, `kind: Service`, the path `/`.
"""

from typing import Any

from mesh.resources.gateway_api.gateway_tls import VALID_ONLY
from mesh.resources.gateway_api.types import GROUP
from mesh.resources.values.body import Body


def fill_gateway(body: Body) -> None:
    """A Gateway's defaults."""
    _listeners(body["spec"])
    for address in body["spec"].get("addresses") or []:
        address.setdefault("type", "IPAddress")
    if (allowed := body["spec"].get("allowedListeners")) is not None:
        allowed.setdefault("namespaces", {}).setdefault("from", "None")
    tls = body["spec"].get("tls") or {}
    if (certificate := (tls.get("backend") or {}).get("clientCertificateRef")) is not None:
        _defaults(certificate, group="", kind="Secret")
    frontend = tls.get("frontend") or {}
    for config in (frontend.get("default"), *(entry.get("tls") for entry in frontend.get("perPort") or [])):
        if config and config.get("validation") is not None:
            config["validation"].setdefault("mode", VALID_ONLY)


def fill_listener_set(body: Body) -> None:
    """A ListenerSet's defaults."""
    _defaults(body["spec"]["parentRef"], group=GROUP, kind="Gateway")
    _listeners(body["spec"])


def fill_stream_route(body: Body) -> None:
    """The defaults of a TLSRoute, a TCPRoute or a UDPRoute."""
    _parents(body["spec"])
    for rule in body["spec"].get("rules") or []:
        for backend in rule.get("backendRefs") or []:
            _defaults(backend, group="", kind="Service", weight=1)


def _listeners(spec: Body) -> None:
    for listener in spec.get("listeners") or []:
        namespaces = listener.setdefault("allowedRoutes", {}).setdefault("namespaces", {})
        namespaces.setdefault("from", "Same")
        for kind in listener["allowedRoutes"].get("kinds") or []:
            kind.setdefault("group", GROUP)
        if (tls := listener.get("tls")) is not None:
            tls.setdefault("mode", "Terminate")
            for reference in tls.get("certificateRefs") or []:
                _defaults(reference, group="", kind="Secret")


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
