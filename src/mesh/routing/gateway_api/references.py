"""What objects of the Gateway API refer to: Services, Secrets and ConfigMaps, and whether they may (ReferenceGrant).

Pure.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from mesh.resources.core.certificates import certificate_of
from mesh.resources.core.service import Service
from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.references import LocalObjectReference, ObjectReference, SecretObjectReference
from mesh.resources.gateway_api.stream_routes import StreamRouteRule, TCPRoute, TLSRoute, UDPRoute
from mesh.resources.gateway_api.types import (
    GROUP,
    BackendObjectReference,
    Gateway,
    GRPCRoute,
    GRPCRouteRule,
    HTTPRoute,
    HTTPRouteRule,
    ParentReference,
)
from mesh.resources.values.hosts import service_host
from mesh.resources.values.ref import SERVICE
from mesh.routing.world import World

HttpRoute = HTTPRoute | GRPCRoute
StreamRoute = TLSRoute | TCPRoute | UDPRoute
AnyRoute = HttpRoute | StreamRoute
HttpRule = HTTPRouteRule | GRPCRouteRule
AnyRule = HttpRule | StreamRouteRule
ListenerOwner = Gateway | ListenerSet


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

    def service(self, namespace: str, name: str) -> Service | None:
        """A Service; None when there is none."""
        return self._services.get((namespace, name))

    def wrong_certificate(
        self, owner: ListenerOwner, ref: SecretObjectReference, reason: str = "InvalidCertificateRef"
    ) -> Problem | None:
        """Why a listener, or a Gateway as a client, cannot use a certificate."""
        own = owner.metadata.namespace
        namespace = ref.namespace or own
        if (ref.group, ref.kind) != ("", "Secret"):
            return Problem(reason, f"a {ref.kind} cannot contain a certificate; use a Secret")
        if not self._permits(owner.kind, own, "Secret", namespace, ref.name):
            message = f"no ReferenceGrant in {namespace} lets {owner.kind}s of {own} use {ref.name}"
            return Problem("RefNotPermitted", message)
        secret = self._world.secrets.get((namespace, ref.name))
        if secret is None:
            return Problem(reason, f'there is no Secret "{namespace}/{ref.name}"')
        if certificate_of(secret) is None:
            return Problem(reason, f'Secret "{namespace}/{ref.name}" has no certificate and key')
        return None

    def certificate(self, owner: ListenerOwner, ref: SecretObjectReference) -> tuple[str, str] | None:
        """Certificate and key in PEM; None when they cannot be used."""
        secret = self._world.secrets.get((ref.namespace or owner.metadata.namespace, ref.name))
        if secret is None or self.wrong_certificate(owner, ref) is not None:
            return None
        return certificate_of(secret)

    def authority(
        self, kind: str, own: str, ref: LocalObjectReference, invalid_kind: str
    ) -> tuple[str, Problem | None]:
        """The certificates of who is trusted, in PEM, that an object of a kind and namespace refers to; or why there
        are none. `invalid_kind` is the reason where another kind is named than a ConfigMap or a Secret."""
        namespace = (ref.namespace if isinstance(ref, ObjectReference) else "") or own
        if ref.group or ref.kind not in ("ConfigMap", "Secret"):
            return "", Problem(invalid_kind, f"a {ref.kind} cannot contain certificates; use a ConfigMap with ca.crt")
        if not self._permits(kind, own, ref.kind, namespace, ref.name):
            message = f"no ReferenceGrant in {namespace} lets {kind}s of {own} use {ref.name}"
            return "", Problem("RefNotPermitted", message)
        authority = self._world.authority(ref.kind, namespace, ref.name)
        if not authority:
            message = f'there is no {ref.kind} "{namespace}/{ref.name}" with certificates in ca.crt'
            return "", Problem("InvalidCACertificateRef", message)
        return authority, None

    def wrong_backend(self, route: AnyRoute, ref: BackendObjectReference) -> Problem | None:
        """Why a backend cannot be used; its requests are answered with 500."""
        own = route.metadata.namespace
        namespace = ref.namespace or own
        if (ref.group, ref.kind) != SERVICE:
            return Problem("InvalidKind", f"{ref.kind} {ref.name}: only a Service can be a backend")
        # A route of the mesh sends back to its own parent what it took from it: that gives nobody a way to a Service
        # that he does not call anyway.
        if not is_parent(route, namespace, ref.name) and not self._permits(
            route.kind, own, "Service", namespace, ref.name
        ):
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


def is_parent(route: AnyRoute, namespace: str, name: str) -> bool:
    """Whether a Service is a parent of a route, and nothing else is: then it is the mesh's alone."""
    parents = route.spec.parent_refs
    own = route.metadata.namespace
    of_services = [parent for parent in parents if (parent.group, parent.kind) == SERVICE]
    return len(of_services) == len(parents) and any(
        (parent.namespace or own, parent.name) == (namespace, name) for parent in of_services
    )


def parent_key(route: AnyRoute, parent: ParentReference) -> tuple[str, str]:
    """The namespace and name of a parent."""
    return parent.namespace or route.metadata.namespace, parent.name


def http_rules(route: HttpRoute) -> Sequence[HttpRule]:
    """The rules of a route for HTTP, as one type for both kinds."""
    return route.spec.rules


def rules_of(route: AnyRoute) -> Sequence[AnyRule]:
    """The rules of a route, as one type for all kinds."""
    return route.spec.rules


def backend_host(route: AnyRoute, ref: BackendObjectReference) -> str:
    """The full name of the Service that a backend is."""
    return service_host(ref.name, ref.namespace or route.metadata.namespace)
