"""What objects of the Gateway API refer to: Services and Secrets, and whether they may (ReferenceGrant). Pure."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from mesh.resources.core.certificates import certificate_of
from mesh.resources.core.service import Service
from mesh.resources.gateway_api.types import (
    GROUP,
    BackendObjectReference,
    Gateway,
    GRPCRoute,
    GRPCRouteRule,
    HTTPRoute,
    HTTPRouteRule,
    SecretObjectReference,
)
from mesh.resources.values.hosts import service_host
from mesh.routing.world import World

AnyRoute = HTTPRoute | GRPCRoute
AnyRule = HTTPRouteRule | GRPCRouteRule


class Problem(NamedTuple):
    """Why something is not accepted or resolved: the specification's reason, and a sentence for people."""

    reason: str
    message: str


class References:
    """Looks up what objects of one world refer to."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def _services(self) -> Mapping[tuple[str, str], Service]:
        services = self._world.services
        return {(service.metadata.namespace, service.metadata.name): service for service in services}

    def wrong_certificate(self, gateway: Gateway, ref: SecretObjectReference) -> Problem | None:
        """Why a listener cannot use a certificate."""
        own = gateway.metadata.namespace
        namespace = ref.namespace or own
        if (ref.group, ref.kind) != ("", "Secret"):
            return Problem("InvalidCertificateRef", f"a {ref.kind} cannot contain a certificate; use a Secret")
        if not self._permits("Gateway", own, "Secret", namespace, ref.name):
            message = f"no ReferenceGrant in {namespace} lets Gateways of {own} use {ref.name}"
            return Problem("RefNotPermitted", message)
        secret = self._world.secrets.get((namespace, ref.name))
        if secret is None:
            return Problem("InvalidCertificateRef", f'there is no Secret "{namespace}/{ref.name}"')
        if certificate_of(secret) is None:
            return Problem("InvalidCertificateRef", f'Secret "{namespace}/{ref.name}" has no certificate and key')
        return None

    def wrong_backend(self, route: AnyRoute, ref: BackendObjectReference) -> Problem | None:
        """Why a backend cannot be used; its requests are answered with 500."""
        own = route.metadata.namespace
        namespace = ref.namespace or own
        if (ref.group, ref.kind) != ("", "Service"):
            return Problem("InvalidKind", f"{ref.kind} {ref.name}: only a Service can be a backend")
        if not self._permits(route.kind, own, "Service", namespace, ref.name):
            message = f"no ReferenceGrant in {namespace} lets {route.kind}s of {own} use {ref.name}"
            return Problem("RefNotPermitted", message)
        missing = self.wrong_port(namespace, ref.name, ref.port)
        return Problem("BackendNotFound", f"{missing}; requests get 500") if missing else None

    def wrong_port(self, namespace: str, name: str, port: int | None) -> str:
        """Why a Service cannot be called at a port; "" when it can. None is any port."""
        service = self._services.get((namespace, name))
        if service is None:
            return f'there is no Service "{namespace}/{name}"'
        ports = [declared.port for declared in service.spec.ports]
        if port is None or port in ports:
            return ""
        return f"{port} is not a port of Service {name} (it has {', '.join(map(str, ports))})"

    def _permits(self, kind: str, namespace: str, target: str, target_namespace: str, name: str) -> bool:
        """Whether an object of the Gateway API in a namespace may refer to one of the core group in another."""
        if namespace == target_namespace:
            return True
        return any(
            any((peer.group, peer.kind, peer.namespace) == (GROUP, kind, namespace) for peer in grant.spec.from_)
            and any((to.group, to.kind) == ("", target) and to.name in ("", name) for to in grant.spec.to)
            for grant in self._world.grants
            if grant.metadata.namespace == target_namespace
        )


def rules_of(route: AnyRoute) -> Sequence[AnyRule]:
    """The rules of a route, as one type for both kinds."""
    return route.spec.rules


def backend_host(route: AnyRoute, ref: BackendObjectReference) -> str:
    """The full name of the Service that a backend is."""
    return service_host(ref.name, ref.namespace or route.metadata.namespace)
