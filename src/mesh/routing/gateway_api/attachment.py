"""Which routes of the Gateway API are attached to which listeners and Services, and why others are not. Pure.

Follows the specification's `ParentReference` and `AllowedRoutes`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.types import GROUP, Gateway, ParentReference
from mesh.resources.values.hosts import covers, specificity
from mesh.resources.values.ref import SERVICE
from mesh.routing.gateway_api.addresses import Placement, placements
from mesh.routing.gateway_api.backend_tls import BackendTls
from mesh.routing.gateway_api.listener_sets import AttachedSets, attached_sets, in_namespaces
from mesh.routing.gateway_api.listeners import ANY, ServedListener, served_gateways, served_listeners
from mesh.routing.gateway_api.references import AnyRoute, HttpRoute, Problem, References, parent_key
from mesh.routing.gateways import opened_ports
from mesh.routing.world import MeshSettings, World, age

# A route by its kind, namespace and name; a listener by the object that it stands in, and its own name.
RouteKey = tuple[str, str, str]
ListenerKey = tuple[str, str, str, str]
HTTP_KINDS = ("HTTPRoute", "GRPCRoute")
PARENTS = ("Gateway", "ListenerSet")


class Attachment(NamedTuple):
    """What became of one parentRef; without a problem the route is attached there."""

    parent: ParentReference
    problem: Problem | None


class BoundRoute(NamedTuple):
    """A route with the hostnames that it shares with a listener."""

    route: AnyRoute
    hostnames: tuple[str, ...]


class ServedGateway(NamedTuple):
    """A Gateway of our classes with its place, and with its listeners: its own, then those of its ListenerSets.
    `problem` is why nothing of it is served."""

    gateway: Gateway
    placement: Placement
    listeners: Sequence[ServedListener]
    problem: Problem | None

    @property
    def served(self) -> Sequence[ServedListener]:
        """The listeners that Envoy has."""
        unserved = self.problem is not None or not self.placement.addresses
        return [] if unserved else [listener for listener in self.listeners if listener.is_served]


class _Attachments(NamedTuple):
    by_route: Mapping[RouteKey, Sequence[Attachment]]
    by_listener: Mapping[ListenerKey, Sequence[BoundRoute]]


class GatewayApi:
    """Everything that the Gateway API's objects of one world say. Each part is worked out when it is first used: most
    worlds have none of these objects."""

    def __init__(self, world: World, settings: MeshSettings) -> None:
        self._world = world
        self._settings = settings
        self.references = References(world)

    @cached_property
    def backend_tls(self) -> BackendTls:
        return BackendTls(self._world, self.references)

    @cached_property
    def is_empty(self) -> bool:
        return not (self._world.api_gateways or self.routes)

    @cached_property
    def routes(self) -> Sequence[AnyRoute]:
        """All routes, oldest first."""
        world = self._world
        streams: tuple[AnyRoute, ...] = (*world.tls_routes, *world.tcp_routes, *world.udp_routes)
        return sorted((*world.http_routes, *world.grpc_routes, *streams), key=age)

    @cached_property
    def listener_sets(self) -> AttachedSets:
        return attached_sets(self._world, served_gateways(self._world))

    @cached_property
    def gateways(self) -> Mapping[tuple[str, str], ServedGateway]:
        """The Gateways of our classes, oldest first, by namespace and name."""
        gateways = served_gateways(self._world)
        if not gateways:
            return {}
        places = placements(gateways, opened_ports(self._world, self._settings), self._settings)
        served: dict[tuple[str, str], ServedGateway] = {}
        for gateway in gateways:
            key = gateway.metadata.namespace, gateway.metadata.name
            listeners = served_listeners(gateway, self.listener_sets.by_gateway.get(key, ()), self.references)
            problem = places[key].unsupported or _wrong_parameters(gateway)
            served[key] = ServedGateway(gateway, places[key], listeners, problem)
        return served

    def attachments(self, route: AnyRoute) -> Sequence[Attachment]:
        """What became of each of a route's parentRefs."""
        return self._attachments.by_route[_key(route)]

    def bound_routes(self, listener: ServedListener) -> Sequence[BoundRoute]:
        """The routes that are attached to a listener, oldest first."""
        return self._attachments.by_listener.get(listener.key, ())

    def of_service(self, namespace: str, name: str, port: int, caller: str) -> Sequence[HttpRoute]:
        """The routes for calls to a Service from a namespace: those of the caller's own namespace (consumer routes)
        where there are any, those of the Service's otherwise."""
        if self.is_empty:
            return ()
        bound = self._by_service.get((namespace, name), ())
        # A route may name a Service twice, once for each port.
        routes = {_key(route): route for route, number in bound if number in (0, port)}.values()
        consumer_routes = [route for route in routes if route.metadata.namespace == caller]
        return consumer_routes or [route for route in routes if route.metadata.namespace == namespace]

    def by_host(self, listeners: Sequence[ServedListener]) -> Mapping[str, Sequence[HttpRoute]]:
        """The routes of each hostname of the listeners of one port. A listener's hostname without routes is included:
        its requests must not go to a listener with a wider hostname."""
        routes: dict[str, dict[RouteKey, HttpRoute]] = {}
        for listener in listeners:
            if listener.hostname != ANY:
                routes.setdefault(listener.hostname, {})
            rank = specificity(listener.hostname)
            narrower = [other.hostname for other in listeners if specificity(other.hostname) < rank]
            for route, names in self.bound_routes(listener):
                assert isinstance(route, HttpRoute)
                for name in names:
                    # Of several listeners only the most specific one takes a hostname's requests.
                    if not any(covers(other, name) for other in narrower):
                        routes.setdefault(name, {}).setdefault(_key(route), route)
        return {name: tuple(of_name.values()) for name, of_name in routes.items()}

    @cached_property
    def _attachments(self) -> _Attachments:
        by_route: dict[RouteKey, Sequence[Attachment]] = {}
        by_listener: dict[ListenerKey, dict[RouteKey, BoundRoute]] = defaultdict(dict)
        for route in self.routes:
            attachments = []
            for parent in route.spec.parent_refs:
                if parent.group == GROUP and parent.kind in PARENTS:
                    shared, problem = self._shared(route, parent, by_listener)
                    attachments.append(Attachment(parent, problem))
                    for listener, names in shared:
                        by_listener[listener.key].setdefault(_key(route), BoundRoute(route, names))
                elif (parent.group, parent.kind) == SERVICE and route.kind in HTTP_KINDS:
                    attachments.append(Attachment(parent, self._wrong_service(route, parent)))
            by_route[_key(route)] = attachments
        return _Attachments(by_route, {key: tuple(bound.values()) for key, bound in by_listener.items()})

    def _shared(
        self,
        route: AnyRoute,
        parent: ParentReference,
        bound: Mapping[ListenerKey, Mapping[RouteKey, BoundRoute]],
    ) -> tuple[Sequence[tuple[ServedListener, tuple[str, ...]]], Problem | None]:
        """The listeners that a parentRef attaches a route to, with the hostnames they share; or why to none. `bound`
        are the routes that are attached already."""
        listeners = self._listeners_of.get((parent.kind, *parent_key(route, parent)))
        if listeners is None:
            name = "/".join(parent_key(route, parent))
            message = f'there is no {parent.kind} "{name}" of a class that is served here'
            return (), Problem("NoMatchingParent", message)
        candidates = [
            served
            for served in listeners
            if parent.section_name in ("", served.listener.name) and parent.port in (0, served.listener.port)
        ]
        if not candidates:
            criteria = [f'name "{parent.section_name}"'] if parent.section_name else []
            criteria += [f"port {parent.port}"] if parent.port else []
            message = f"{parent.kind} {parent.name} has no listener with {' and '.join(criteria)}"
            return (), Problem("NoMatchingParent", message)
        allowing = [served for served in candidates if route.kind in served.kinds and self._allows(served, route)]
        if not allowing:
            own = route.metadata.namespace
            message = f"no listener of {parent.kind} {parent.name} allows {route.kind}s of namespace {own}"
            return (), Problem("NotAllowedByListeners", message)
        pairs = [(served, hostnames(served.hostname, route.spec.hostnames)) for served in allowing]
        shared = [(served, names) for served, names in pairs if names]
        if not shared:
            patterns = ", ".join(served.hostname for served in allowing)
            message = f"none of spec.hostnames is within a listener's ({patterns})"
            return (), Problem("NoMatchingListenerHostname", message)
        free = [(served, names) for served, names in shared if not _other_kind(route, names, bound.get(served.key, {}))]
        if not free:
            served, names = shared[0]
            other = _other_kind(route, names, bound[served.key])
            message = f"{other} is older and is for the same hostnames; HTTPRoutes and GRPCRoutes cannot share them"
            return (), Problem("NotAllowedByListeners", message)
        return free, None

    @cached_property
    def _listeners_of(self) -> Mapping[tuple[str, str, str], Sequence[ServedListener]]:
        """The listeners of each parent, by its kind, namespace and name: a Gateway's own are not its ListenerSets'."""
        of: dict[tuple[str, str, str], list[ServedListener]] = {}
        for gateway in self.gateways.values():
            of["Gateway", gateway.gateway.metadata.namespace, gateway.gateway.metadata.name] = []
            for served in gateway.listeners:
                of.setdefault(served.key[:3], []).append(served)
        return of

    def _allows(self, served: ServedListener, route: AnyRoute) -> bool:
        namespaces = served.listener.allowed_routes.namespaces
        if namespaces.from_ == "All":
            return True
        if namespaces.from_ == "Same" or namespaces.selector is None:
            return route.metadata.namespace == served.owner.metadata.namespace
        return in_namespaces(namespaces.selector, route.metadata.namespace, self._world)

    def _wrong_service(self, route: AnyRoute, parent: ParentReference) -> Problem | None:
        missing = self.references.wrong_port(*parent_key(route, parent), parent.port or None)
        return Problem("NoMatchingParent", missing) if missing else None

    @cached_property
    def _by_service(self) -> Mapping[tuple[str, str], Sequence[tuple[HttpRoute, int]]]:
        """The routes of each Service as a parent, with the port (0: all)."""
        routes: dict[tuple[str, str], list[tuple[HttpRoute, int]]] = defaultdict(list)
        for route in self.routes:
            if isinstance(route, HttpRoute):
                for parent, problem in self.attachments(route):
                    if problem is None and (parent.group, parent.kind) == SERVICE:
                        routes[parent_key(route, parent)].append((route, parent.port))
        return routes

    def set_listeners(self, listener_set: ListenerSet) -> Sequence[ServedListener]:
        """The listeners that a ListenerSet adds."""
        meta = listener_set.metadata
        return self._listeners_of.get((listener_set.kind, meta.namespace, meta.name), ())

    def gateways_of(self, route: AnyRoute) -> Iterator[ServedGateway]:
        """The Gateways that a route is attached to, itself or by a ListenerSet."""
        for parent, problem in self.attachments(route):
            listeners = self._listeners_of.get((parent.kind, *parent_key(route, parent)), ())
            if problem is None and parent.group == GROUP and listeners:
                meta = listeners[0].gateway.metadata
                yield self.gateways[meta.namespace, meta.name]


def hostnames(listener: str, route: Sequence[str]) -> tuple[str, ...]:
    """The hostnames that a listener and a route share: the narrower of each pair that overlaps."""
    if not route:
        return (listener,)
    shared = []
    for name in (hostname.lower() for hostname in route):
        if covers(listener, name):
            shared.append(name)
        elif covers(name, listener):
            shared.append(listener)
    return tuple(dict.fromkeys(shared))


def _other_kind(route: AnyRoute, names: Sequence[str], bound: Mapping[RouteKey, BoundRoute]) -> str:
    """The route of the other kind for HTTP that has one of these hostnames at a listener; "" when there is none."""
    for key, (other, others) in bound.items():
        if other.kind != route.kind and any(covers(a, b) or covers(b, a) for a in names for b in others):
            return f"{other.kind} {'/'.join(key[1:])}"
    return ""


def _wrong_parameters(gateway: Gateway) -> Problem | None:
    """No kind of parameters is known here."""
    ref = gateway.spec.infrastructure.parameters_ref
    if ref is None:
        return None
    message = (
        f"spec.infrastructure.parametersRef: {ref.kind} {ref.name} cannot be used; no kind of parameters is served"
    )
    return Problem("InvalidParameters", message)


def _key(route: AnyRoute) -> RouteKey:
    return route.kind, route.metadata.namespace, route.metadata.name
