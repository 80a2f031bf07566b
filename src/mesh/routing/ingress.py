"""Ingresses as Istio's ingress reads them: each a Gateway on ports 80 and 443, each path a VirtualService. Pure.

Both keep the apiVersion, kind and name of the Ingress, so that refusals and statuses go to the object that the user
wrote (pilot/pkg/config/kube/ingress/conversion.go).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mesh.resources.core.ingress import (
    CLASSES,
    CONTROLLERS,
    DEFAULT_CLASS_ANNOTATION,
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
)
from mesh.resources.core.service import Service
from mesh.resources.istio.common import PortSelector, StringMatch
from mesh.resources.istio.gateway import Gateway, GatewaySpec, Port, Server, ServerTLSSettings
from mesh.resources.istio.ingress_gateway import SELECTOR
from mesh.resources.istio.virtual_service import (
    Destination,
    HTTPMatchRequest,
    HTTPRoute,
    HTTPRouteDestination,
    VirtualService,
    VirtualServiceSpec,
)
from mesh.resources.values.hosts import service_host

Services = Mapping[tuple[str, str], Service]
EVERY_HOST = "*"


class _Row(NamedTuple):
    """One path of a host. `length` and `exact` decide the order: the longest path first, and exact ones before others
    of their length, over all Ingresses of the host (as Istio sorts them)."""

    ingress: Ingress
    host: str
    match: HTTPMatchRequest | None
    backend: IngressBackend
    length: int
    exact: bool


def served_ingresses(ingresses: Iterable[Ingress], classes: Iterable[IngressClass]) -> tuple[Ingress, ...]:
    """Those of Istio's class, or of one with Istio's controller; and those that name none, unless another class is the
    default."""
    named = {each.metadata.name: each for each in classes}
    default = next((name for name, each in named.items() if _is_default(each)), "")

    def is_served(ingress: Ingress) -> bool:
        name = ingress.class_name or default
        return named[name].spec.controller in CONTROLLERS if name in named else name in ("", *CLASSES)

    return tuple(filter(is_served, ingresses))


def _is_default(ingress_class: IngressClass) -> bool:
    return ingress_class.metadata.annotations.get(DEFAULT_CLASS_ANNOTATION) == "true"


def gateways_of(ingresses: Iterable[Ingress]) -> Iterator[Gateway]:
    """Every host at port 80, and at 443 those that have a certificate."""
    for ingress in ingresses:
        servers = [Server(port=Port(number=80, protocol="HTTP", name="http"), hosts=[EVERY_HOST])]
        for number, tls in enumerate(ingress.spec.tls):
            if tls.secret_name:
                servers.append(
                    Server(
                        port=Port(number=443, protocol="HTTPS", name=f"https-{number}"),
                        hosts=list(tls.hosts) or [EVERY_HOST],
                        tls=ServerTLSSettings(mode="SIMPLE", credential_name=tls.secret_name),
                    )
                )
        yield Gateway(
            api_version=ingress.api_version,
            kind=ingress.kind,
            metadata=ingress.metadata,
            spec=GatewaySpec(servers=servers, selector=dict(SELECTOR)),
        )


def rules_of(ingresses: Iterable[Ingress], services: Sequence[Service]) -> tuple[VirtualService, ...]:
    """One rule for each path, in the order in which requests are compared with them."""
    by_name = {(service.metadata.namespace, service.metadata.name): service for service in services}
    everything = tuple(ingresses)
    rows = [row for ingress in everything for row in _rows(ingress)]
    rows.sort(key=lambda row: (-row.length, not row.exact))
    # Bound to the Gateways of all: rules are in the order of their Gateways first, and this order is over all of them.
    gateways = [f"{ingress.metadata.namespace}/{ingress.metadata.name}" for ingress in everything]
    return tuple(_rule(row, gateways, by_name) for row in rows)


def _rows(ingress: Ingress) -> Iterator[_Row]:
    hosts: dict[str, None] = {}
    for rule in ingress.spec.rules:
        host = rule.host.lower() or EVERY_HOST
        hosts[host] = None
        for path in rule.http.paths if rule.http is not None else ():
            match = _match(path)
            is_exact = match is not None and match.uri is not None and match.uri.exact is not None
            yield _Row(ingress, host, match, path.backend, len(path.path), is_exact)
    if ingress.spec.default_backend is not None:
        # For requests that no rule takes, of the hosts that rules name and of all others.
        for host in dict.fromkeys((*hosts, EVERY_HOST)):
            yield _Row(ingress, host, None, ingress.spec.default_backend, -1, False)


def _match(path: HTTPIngressPath) -> HTTPMatchRequest | None:
    """None matches every request. A Prefix takes whole elements: `/a` takes `/a/b` and not `/ab`."""
    text = path.path
    if path.path_type == "Exact":
        return HTTPMatchRequest(uri=StringMatch(exact=text))
    if path.path_type == "Prefix":
        if text == "/":
            return HTTPMatchRequest(uri=StringMatch(prefix="/"))
        return HTTPMatchRequest(uri=StringMatch(regex=f"{re.escape(text.rstrip('/'))}((/).*)?"))
    if not text:
        return None
    # ImplementationSpecific: Istio takes "/a.*" and "/a*" as prefixes, anything else as it is written.
    for ending in (".*", "*"):
        if text.endswith(ending):
            return HTTPMatchRequest(uri=StringMatch(prefix=text.removesuffix(ending)))
    return HTTPMatchRequest(uri=StringMatch(exact=text))


def _rule(row: _Row, gateways: list[str], services: Services) -> VirtualService:
    metadata = row.ingress.metadata
    route = HTTPRoute(
        match=[row.match] if row.match is not None else [],
        route=[HTTPRouteDestination(destination=_destination(row.backend, metadata.namespace, services))],
    )
    spec = VirtualServiceSpec(hosts=[row.host], gateways=gateways, http=[route])
    return VirtualService(api_version=row.ingress.api_version, kind=row.ingress.kind, metadata=metadata, spec=spec)


def _destination(backend: IngressBackend, namespace: str, services: Services) -> Destination:
    """The Service's port; what does not exist stays unknown, so that requests get 503."""
    if backend.service is None:
        return Destination(host="resource.invalid")
    port = backend.service.port
    number = port.number or backend_port(port.name, services.get((namespace, backend.service.name)))
    host = service_host(backend.service.name, namespace)
    return Destination(host=host, port=PortSelector(number=number) if number else None)


def backend_port(name: str, service: Service | None) -> int:
    """The number of a Service's port by its name, 0 when there is none."""
    ports = service.spec.ports if service is not None else ()
    return next((port.port for port in ports if port.name == name), 0)
