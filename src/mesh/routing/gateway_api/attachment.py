"""Which routes of the Gateway API are attached to which listeners and Services, and why others are not. Pure.

Follows the specification's `ParentReference` and `AllowedRoutes`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from mesh.resources.core.config import NAMESPACE_LABEL
from mesh.resources.gateway_api.types import GROUP, ParentReference
from mesh.resources.istio.gateway import Gateway as IstioGateway
from mesh.resources.values.hosts import covers, specificity
from mesh.resources.values.ref import SERVICE
from mesh.resources.values.selectors import selects
from mesh.routing.gateway_api.listeners import ANY, ServedListener, as_istio, served_listeners
from mesh.routing.gateway_api.references import AnyRoute, Problem, References
from mesh.routing.world import World, age

# A route by its kind, namespace and name; a listener by the namespace and name of its Gateway, and its own name.
RouteKey = tuple[str, str, str]
ListenerKey = tuple[str, str, str]


class Attachment(NamedTuple):
    """What became of one parentRef; without a problem the route is attached there."""

    parent: ParentReference
    problem: Problem | None


class BoundRoute(NamedTuple):
    """A route with the hostnames that it shares with a listener."""

    route: AnyRoute
    hostnames: tuple[str, ...]


class _Attachments(NamedTuple):
    by_route: Mapping[RouteKey, Sequence[Attachment]]
    by_listener: Mapping[ListenerKey, Sequence[BoundRoute]]


class GatewayApi:
    """Everything that the Gateway API's objects of one world say. Each part is worked out when it is first used: most
    worlds have none of these objects."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.references = References(world)

    @cached_property
    def is_empty(self) -> bool:
        return not (self._world.api_gateways or self._world.http_routes or self._world.grpc_routes)

    @cached_property
    def routes(self) -> Sequence[AnyRoute]:
        """All routes, oldest first."""
        return sorted((*self._world.http_routes, *self._world.grpc_routes), key=age)

    @cached_property
    def gateways(self) -> Mapping[tuple[str, str], Sequence[ServedListener]]:
        """The listeners of each Gateway of our classes, by its namespace and name."""
        return served_listeners(self._world, self.references)

    def attachments(self, route: AnyRoute) -> Sequence[Attachment]:
        """What became of each of a route's parentRefs."""
        return self._attachments.by_route[_key(route)]

    def bound_routes(self, listener: ServedListener) -> Sequence[BoundRoute]:
        """The routes that are attached to a listener."""
        return self._attachments.by_listener.get(listener.key, ())

    def of_service(self, namespace: str, name: str, port: int, caller: str) -> Sequence[AnyRoute]:
        """The routes for calls to a Service from a namespace: those of the caller's own namespace (consumer routes)
        where there are any, those of the Service's otherwise."""
        if self.is_empty:
            return ()
        bound = self._by_service.get((namespace, name), ())
        # A route may name a Service twice, once for each port.
        routes = {_key(route): route for route, number in bound if number in (0, port)}.values()
        consumer_routes = [route for route in routes if route.metadata.namespace == caller]
        return consumer_routes or [route for route in routes if route.metadata.namespace == namespace]

    def at_port(self, port: int) -> Mapping[str, Sequence[AnyRoute]]:
        """The routes of each hostname at a port. A listener's hostname without routes is included: its requests must
        not go to a listener with a wider hostname."""
        if self.is_empty:
            return {}
        routes: dict[str, dict[RouteKey, AnyRoute]] = {}
        for listeners in self.gateways.values():
            at_port = [listener for listener in listeners if listener.is_served and listener.listener.port == port]
            for listener in at_port:
                if listener.hostname != ANY:
                    routes.setdefault(listener.hostname, {})
                rank = specificity(listener.hostname)
                narrower = [other.hostname for other in at_port if specificity(other.hostname) < rank]
                for route, names in self.bound_routes(listener):
                    for name in names:
                        # Of several listeners only the most specific one takes a hostname's requests.
                        if not any(covers(other, name) for other in narrower):
                            routes.setdefault(name, {}).setdefault(_key(route), route)
        return {name: tuple(of_name.values()) for name, of_name in routes.items()}

    def as_istio(self) -> Iterator[IstioGateway]:
        """The Gateways as Istio's."""
        for listeners in self.gateways.values() if self._world.api_gateways else ():
            gateway = as_istio(listeners)
            if gateway is not None:
                yield gateway

    @cached_property
    def _attachments(self) -> _Attachments:
        by_route: dict[RouteKey, Sequence[Attachment]] = {}
        by_listener: dict[ListenerKey, dict[RouteKey, BoundRoute]] = defaultdict(dict)
        for route in self.routes:
            attachments = []
            for parent in route.spec.parent_refs:
                if (parent.group, parent.kind) == (GROUP, "Gateway"):
                    shared, problem = self._shared(route, parent)
                    attachments.append(Attachment(parent, problem))
                    for listener, names in shared:
                        by_listener[listener.key].setdefault(_key(route), BoundRoute(route, names))
                elif (parent.group, parent.kind) == SERVICE:
                    attachments.append(Attachment(parent, self._wrong_service(route, parent)))
            by_route[_key(route)] = attachments
        return _Attachments(by_route, {key: tuple(bound.values()) for key, bound in by_listener.items()})

    def _shared(
        self, route: AnyRoute, parent: ParentReference
    ) -> tuple[Sequence[tuple[ServedListener, tuple[str, ...]]], Problem | None]:
        """The listeners that a parentRef attaches a route to, with the hostnames they share; or why to none."""
        namespace = parent.namespace or route.metadata.namespace
        listeners = self.gateways.get((namespace, parent.name))
        if listeners is None:
            message = f'there is no Gateway "{namespace}/{parent.name}" of a class that is served here'
            return (), Problem("NoMatchingParent", message)
        candidates = [
            served
            for served in listeners
            if parent.section_name in ("", served.listener.name) and parent.port in (0, served.listener.port)
        ]
        if not candidates:
            criteria = [f'name "{parent.section_name}"'] if parent.section_name else []
            criteria += [f"port {parent.port}"] if parent.port else []
            message = f"Gateway {parent.name} has no listener with {' and '.join(criteria)}"
            return (), Problem("NoMatchingParent", message)
        allowing = [served for served in candidates if route.kind in served.kinds and self._allows(served, route)]
        if not allowing:
            own = route.metadata.namespace
            message = f"no listener of Gateway {parent.name} allows {route.kind}s of namespace {own}"
            return (), Problem("NotAllowedByListeners", message)
        pairs = [(served, hostnames(served.hostname, route.spec.hostnames)) for served in allowing]
        shared = [(served, names) for served, names in pairs if names]
        if not shared:
            patterns = ", ".join(served.hostname for served in allowing)
            message = f"none of spec.hostnames is within a listener's ({patterns})"
            return (), Problem("NoMatchingListenerHostname", message)
        return shared, None

    def _allows(self, served: ServedListener, route: AnyRoute) -> bool:
        namespaces = served.listener.allowed_routes.namespaces
        if namespaces.from_ == "All":
            return True
        if namespaces.from_ == "Same" or namespaces.selector is None:
            return route.metadata.namespace == served.gateway.metadata.namespace
        # Kubernetes puts this label on every Namespace.
        name = {NAMESPACE_LABEL: route.metadata.namespace}
        return selects(namespaces.selector, {**name, **self._world.namespaces.get(route.metadata.namespace, {})})

    def _wrong_service(self, route: AnyRoute, parent: ParentReference) -> Problem | None:
        namespace = parent.namespace or route.metadata.namespace
        missing = self.references.wrong_port(namespace, parent.name, parent.port or None)
        return Problem("NoMatchingParent", missing) if missing else None

    @cached_property
    def _by_service(self) -> Mapping[tuple[str, str], Sequence[tuple[AnyRoute, int]]]:
        """The routes of each Service as a parent, with the port (0: all)."""
        routes: dict[tuple[str, str], list[tuple[AnyRoute, int]]] = defaultdict(list)
        for route in self.routes:
            for parent, problem in self.attachments(route):
                if problem is None and (parent.group, parent.kind) == SERVICE:
                    routes[parent.namespace or route.metadata.namespace, parent.name].append((route, parent.port))
        return routes


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


def _key(route: AnyRoute) -> RouteKey:
    return route.kind, route.metadata.namespace, route.metadata.name
