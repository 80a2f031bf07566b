"""The Gateway API's objects put together: which listeners are served, which routes are attached to them, and why not.
Pure.

Follows the specification's `Listener`, `ParentReference`, `AllowedRoutes` and `ReferenceGrant`. All Gateways share one
address here, so the listeners of one port are served together; two that cannot be are told as conflicts.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from mesh.resources.core.service import Service
from mesh.resources.gateway_api.types import (
    CLASS_NAME,
    CONTROLLERS,
    GROUP,
    OTHER_CLASS_NAMES,
    BackendObjectReference,
    Gateway,
    GRPCRoute,
    GRPCRouteRule,
    HTTPRoute,
    HTTPRouteRule,
    Listener,
    ParentReference,
    SecretObjectReference,
)
from mesh.resources.istio.gateway import Gateway as IstioGateway
from mesh.resources.istio.gateway import GatewaySpec, Port, Server, ServerTLSSettings
from mesh.resources.istio.ingress_gateway import SELECTOR
from mesh.resources.values.hosts import covers, service_host, specificity
from mesh.resources.values.meta import LabelSelector
from mesh.resources.values.ref import SERVICE
from mesh.routing.virtual_service.tls import certificate_of
from mesh.routing.world import World, age

AnyRoute = HTTPRoute | GRPCRoute
AnyRule = HTTPRouteRule | GRPCRouteRule
PROTOCOLS = {"HTTP": "plain HTTP", "HTTPS": "TLS"}
KINDS = ("HTTPRoute", "GRPCRoute")
ANY = "*"


class Problem(NamedTuple):
    """Why something is not as it should be, in the specification's word and in ours."""

    reason: str
    message: str


@dataclass(slots=True)
class Served:
    """A listener with what is wrong with it; `routes` are those attached, with the hostnames they share with it."""

    gateway: Gateway
    listener: Listener
    unsupported: Problem | None = None
    conflict: Problem | None = None
    unresolved: Problem | None = None
    credential: str = ""
    kinds: tuple[str, ...] = KINDS
    routes: list[tuple[AnyRoute, tuple[str, ...]]] = field(default_factory=list)

    @property
    def is_served(self) -> bool:
        """Whether Envoy listens for it."""
        encrypted = self.listener.protocol == "HTTPS"
        return self.unsupported is None and self.conflict is None and bool(self.credential or not encrypted)

    @property
    def hostname(self) -> str:
        return self.listener.hostname.lower() or ANY


class Attachment(NamedTuple):
    """What became of one parentRef; no problem: the route is attached there."""

    parent: ParentReference
    problem: Problem | None


class GatewayApi:
    """Everything that the objects of one World say; worked out once, at the first question."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def is_empty(self) -> bool:
        return not (self._world.api_gateways or self._world.http_routes or self._world.grpc_routes)

    @cached_property
    def routes(self) -> Sequence[AnyRoute]:
        """All routes, oldest first."""
        return sorted((*self._world.http_routes, *self._world.grpc_routes), key=age)

    @cached_property
    def gateways(self) -> Mapping[tuple[str, str], Sequence[Served]]:
        """The listeners of each Gateway of our classes, by its namespace and name."""
        classes = {each.metadata.name: each.spec.controller_name for each in self._world.gateway_classes}
        found: dict[tuple[str, str], Sequence[Served]] = {}
        wires: dict[int, str] = {}
        for istio in self._world.gateways:
            for server in istio.spec.servers:
                wire = "TLS" if server.port.protocol.upper() in ("HTTPS", "TLS") else server.port.protocol.upper()
                wires.setdefault(server.port.number, wire if wire in ("TLS", "TCP") else "plain HTTP")
        names: set[tuple[int, str]] = set()
        for gateway in self._world.api_gateways:
            name = gateway.spec.gateway_class_name
            if classes.get(name) in CONTROLLERS or (name not in classes and name in (CLASS_NAME, *OTHER_CLASS_NAMES)):
                listeners = [self._served(gateway, each) for each in gateway.spec.listeners]
                _mark_conflicts(listeners, wires, names)
                found[gateway.metadata.namespace, gateway.metadata.name] = listeners
        return found

    def _served(self, gateway: Gateway, listener: Listener) -> Served:
        made = Served(gateway, listener)
        if listener.protocol not in PROTOCOLS:
            known = " and ".join(PROTOCOLS)
            made.unsupported = Problem("UnsupportedProtocol", f'"{listener.protocol}" is not served; {known} are')
            made.kinds = ()
            return made
        if listener.allowed_routes.kinds:
            wanted = [(each.group, each.kind) for each in listener.allowed_routes.kinds]
            made.kinds = tuple(kind for kind in KINDS if (GROUP, kind) in wanted)
            if others := [kind for group, kind in wanted if group != GROUP or kind not in KINDS]:
                made.unresolved = Problem("InvalidRouteKinds", f"{', '.join(others)}: no route of this kind is served")
        if listener.protocol == "HTTPS" and listener.tls is not None:
            for number, ref in enumerate(listener.tls.certificate_refs):
                problem = self._wrong_certificate(gateway, ref)
                if problem is not None:
                    said = Problem(problem.reason, f"certificateRefs[{number}]: {problem.message}")
                    made.unresolved = made.unresolved or said
                elif not made.credential:
                    made.credential = f"{ref.namespace or gateway.metadata.namespace}/{ref.name}"
        return made

    def _wrong_certificate(self, gateway: Gateway, ref: SecretObjectReference) -> Problem | None:
        namespace = ref.namespace or gateway.metadata.namespace
        if (ref.group, ref.kind) != ("", "Secret"):
            return Problem("InvalidCertificateRef", f"a {ref.kind} holds no certificate; a Secret does")
        if not self._permits("Gateway", gateway.metadata.namespace, "Secret", namespace, ref.name):
            said = f"no ReferenceGrant in {namespace} lets Gateways of {gateway.metadata.namespace} use {ref.name}"
            return Problem("RefNotPermitted", said)
        secret = self._world.secrets.get((namespace, ref.name))
        if secret is None:
            return Problem("InvalidCertificateRef", f'there is no Secret "{namespace}/{ref.name}"')
        if certificate_of(secret) is None:
            return Problem("InvalidCertificateRef", f'Secret "{namespace}/{ref.name}" holds no certificate and key')
        return None

    def _permits(self, kind: str, namespace: str, target: str, there: str, name: str) -> bool:
        """Whether an object of the Gateway API in a namespace may name one of the core group in another."""
        if namespace == there:
            return True
        return any(
            any((each.group, each.kind, each.namespace) == (GROUP, kind, namespace) for each in grant.spec.from_)
            and any((each.group, each.kind) == ("", target) and each.name in ("", name) for each in grant.spec.to)
            for grant in self._world.grants
            if grant.metadata.namespace == there
        )

    @cached_property
    def attached(self) -> Mapping[tuple[str, str, str], Sequence[Attachment]]:
        """What became of each route's parentRefs, by the route's kind, namespace and name. Fills the listeners."""
        found: dict[tuple[str, str, str], Sequence[Attachment]] = {}
        for route in self.routes:
            parents = []
            for parent in route.spec.parent_refs:
                kind = (parent.group, parent.kind)
                if kind == (GROUP, "Gateway"):
                    parents.append(Attachment(parent, self._attach(route, parent)))
                elif kind == ("", "Service"):
                    parents.append(Attachment(parent, self._wrong_service(route, parent)))
            found[route.kind, route.metadata.namespace, route.metadata.name] = parents
        return found

    def _attach(self, route: AnyRoute, parent: ParentReference) -> Problem | None:
        namespace = parent.namespace or route.metadata.namespace
        listeners = self.gateways.get((namespace, parent.name))
        if listeners is None:
            return Problem("NoMatchingParent", f'there is no Gateway "{namespace}/{parent.name}" that is served here')
        named = [
            each
            for each in listeners
            if parent.section_name in ("", each.listener.name) and parent.port in (0, each.listener.port)
        ]
        if not named:
            wanted = [f'name "{parent.section_name}"'] if parent.section_name else []
            wanted += [f"port {parent.port}"] if parent.port else []
            return Problem("NoMatchingParent", f"Gateway {parent.name} has no listener of {' and '.join(wanted)}")
        allowing = [each for each in named if route.kind in each.kinds and self._allows(each, route)]
        if not allowing:
            said = f"no listener of Gateway {parent.name} takes {route.kind}s of namespace {route.metadata.namespace}"
            return Problem("NotAllowedByListeners", said)
        shared = [(each, hostnames(each.hostname, route.spec.hostnames)) for each in allowing]
        for each, names in shared:
            # Routes come one after the other: a listener that has this one has it last.
            if names and (not each.routes or each.routes[-1][0] is not route):
                each.routes.append((route, names))
        if not any(names for _, names in shared):
            has = ", ".join(each.hostname for each in allowing)
            return Problem("NoMatchingListenerHostname", f"none of spec.hostnames is within a listener's ({has})")
        return None

    def _allows(self, served: Served, route: AnyRoute) -> bool:
        namespaces = served.listener.allowed_routes.namespaces
        if namespaces.from_ == "All":
            return True
        if namespaces.from_ == "Same" or namespaces.selector is None:
            return route.metadata.namespace == served.gateway.metadata.namespace
        own = {"kubernetes.io/metadata.name": route.metadata.namespace}
        return selects(namespaces.selector, {**own, **self._world.namespaces.get(route.metadata.namespace, {})})

    def _wrong_service(self, route: AnyRoute, parent: ParentReference) -> Problem | None:
        namespace = parent.namespace or route.metadata.namespace
        service = self._services.get((namespace, parent.name))
        if service is None:
            return Problem("NoMatchingParent", f'there is no Service "{namespace}/{parent.name}"')
        ports = [port.port for port in service.spec.ports]
        if parent.port and parent.port not in ports:
            has = ", ".join(map(str, ports))
            return Problem("NoMatchingParent", f"{parent.port} is no port of Service {parent.name} (it has {has})")
        return None

    @cached_property
    def _services(self) -> Mapping[tuple[str, str], Service]:
        return {(each.metadata.namespace, each.metadata.name): each for each in self._world.services}

    @cached_property
    def _meshed(self) -> Mapping[tuple[str, str], Sequence[tuple[AnyRoute, int]]]:
        """The routes of each Service as a parent, with the port (0: all)."""
        found: dict[tuple[str, str], list[tuple[AnyRoute, int]]] = defaultdict(list)
        for route in self.routes:
            for parent, problem in self.attached[route.kind, route.metadata.namespace, route.metadata.name]:
                if problem is None and (parent.group, parent.kind) == SERVICE:
                    found[parent.namespace or route.metadata.namespace, parent.name].append((route, parent.port))
        return found

    def of_service(self, namespace: str, name: str, port: int, caller: str) -> Sequence[AnyRoute]:
        """The routes for calls to a Service from a namespace: those of the caller's own namespace (consumer routes)
        where there are any, those of the Service's otherwise."""
        if self.is_empty:
            return ()
        bound = self._meshed.get((namespace, name), ())
        routes = list(dict.fromkeys(_by_name(route) for route, of in bound if of in (0, port)))
        named = {_by_name(route): route for route, _ in bound}
        own = [named[each] for each in routes if each[1] == caller]
        return own or [named[each] for each in routes if each[1] == namespace]

    def at_port(self, port: int) -> Mapping[str, Sequence[AnyRoute]]:
        """The routes of each hostname at a port. A listener's hostname without routes is there too: nobody takes its
        requests."""
        if self.is_empty:
            return {}
        assert self.attached is not None
        found: dict[str, dict[tuple[str, str, str], AnyRoute]] = {}
        for listeners in self.gateways.values():
            here = [each for each in listeners if each.is_served and each.listener.port == port]
            for each in here:
                if each.hostname != ANY:
                    found.setdefault(each.hostname, {})
                narrower = [o.hostname for o in here if specificity(o.hostname) < specificity(each.hostname)]
                for route, names in each.routes:
                    for name in names:
                        # Of several listeners the most specific one takes a hostname's requests, alone.
                        if not any(covers(other, name) for other in narrower):
                            found.setdefault(name, {}).setdefault(_by_name(route), route)
        return {name: tuple(routes.values()) for name, routes in found.items()}

    def wrong_backend(self, route: AnyRoute, ref: BackendObjectReference) -> Problem | None:
        """Why a backend cannot be used; its requests are answered with 500."""
        if (ref.group, ref.kind) != ("", "Service"):
            return Problem("InvalidKind", f"{ref.kind} {ref.name}: a Service alone can be a backend")
        namespace = ref.namespace or route.metadata.namespace
        if not self._permits(route.kind, route.metadata.namespace, "Service", namespace, ref.name):
            said = f"no ReferenceGrant in {namespace} lets {route.kind}s of {route.metadata.namespace} use {ref.name}"
            return Problem("RefNotPermitted", said)
        service = self._services.get((namespace, ref.name))
        if service is None:
            return Problem("BackendNotFound", f'there is no Service "{namespace}/{ref.name}"; requests get 500')
        ports = [port.port for port in service.spec.ports]
        if ref.port not in ports:
            said = f"{ref.port} is no port of Service {ref.name} (it has {', '.join(map(str, ports))})"
            return Problem("BackendNotFound", f"{said}; requests get 500")
        return None

    def as_istio(self) -> Iterator[IstioGateway]:
        """The Gateways as Istio's, which listeners are made of; they keep their own names and kind."""
        for listeners in self.gateways.values() if self._world.api_gateways else ():
            servers = [_server(each) for each in listeners if each.is_served]
            if servers:
                gateway = listeners[0].gateway
                yield IstioGateway(
                    api_version=gateway.api_version,
                    kind=gateway.kind,
                    metadata=gateway.metadata,
                    spec=GatewaySpec(servers=servers, selector=dict(SELECTOR)),
                )


def rules_of(route: AnyRoute) -> Sequence[AnyRule]:
    """The rules of a route, in their order."""
    return route.spec.rules


def is_api(gateway: IstioGateway) -> bool:
    """Whether this stands for a Gateway of the Gateway API, to which VirtualServices are not bound."""
    return gateway.api_version.startswith(GROUP)


def backend_host(route: AnyRoute, ref: BackendObjectReference) -> str:
    """The full name of the Service that a backend is."""
    return service_host(ref.name, ref.namespace or route.metadata.namespace)


def hostnames(listener: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """The hostnames that a listener and a route share: the narrower of each pair that overlaps."""
    if not wanted:
        return (listener,)
    found = []
    for each in (name.lower() for name in wanted):
        if covers(listener, each):
            found.append(each)
        elif covers(each, listener):
            found.append(listener)
    return tuple(dict.fromkeys(found))


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Kubernetes' meaning of a label selector; an empty one selects everything."""
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    for each in selector.match_expressions:
        value = labels.get(each.key)
        if each.operator in ("Exists", "DoesNotExist"):
            holds = (value is not None) == (each.operator == "Exists")
        else:
            holds = (value in each.values) == (each.operator == "In")
        if not holds:
            return False
    return True


def _by_name(route: AnyRoute) -> tuple[str, str, str]:
    return route.kind, route.metadata.namespace, route.metadata.name


def _mark_conflicts(listeners: Sequence[Served], wires: dict[int, str], names: set[tuple[int, str]]) -> None:
    """Those of one Gateway that do not go together are all in conflict; of two Gateways, the younger one's."""
    spoken: dict[int, set[str]] = defaultdict(set)
    for each in listeners:
        if each.unsupported is None:
            spoken[each.listener.port].add(PROTOCOLS[each.listener.protocol])
    for each in listeners:
        port, wire = each.listener.port, PROTOCOLS.get(each.listener.protocol, "")
        if each.unsupported is not None:
            continue
        if len(spoken[port]) > 1:
            each.conflict = Problem("ProtocolConflict", f"port {port} cannot be plain HTTP and TLS at once")
        elif wires.setdefault(port, wire) != wire:
            each.conflict = Problem("ProtocolConflict", f"port {port} is {wires[port]} in an older Gateway")
        elif wire == "TLS" and (port, each.hostname) in names:
            said = f"an older Gateway has a certificate for {each.hostname} at port {port}"
            each.conflict = Problem("HostnameConflict", said)
    names.update((each.listener.port, each.hostname) for each in listeners if each.conflict is None)


def _server(each: Served) -> Server:
    listener = each.listener
    tls = None
    if listener.protocol == "HTTPS":
        tls = ServerTLSSettings(mode="SIMPLE", credential_name=each.credential)
    port = Port(number=listener.port, protocol=listener.protocol, name=listener.name)
    return Server(port=port, hosts=[f"*/{each.hostname}"], tls=tls)
