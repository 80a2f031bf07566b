"""TLSRoute, TCPRoute and UDPRoute (gateway.networking.k8s.io): bytes and datagrams that go to Services."""

from msgspec import field

from mesh.resources.gateway_api.types import ParentReference, RouteStatus, StreamBackendRef
from mesh.resources.values.meta import Part, Resource


class StreamRouteRule(Part, frozen=True):
    backend_refs: list[StreamBackendRef]
    name: str = ""


class TLSRouteSpec(Part, frozen=True):
    """`hostnames` are names that TLS clients ask for (SNI)."""

    hostnames: list[str]
    rules: list[StreamRouteRule]
    parent_refs: list[ParentReference] = []


class TLSRoute(Resource, frozen=True):
    spec: TLSRouteSpec
    status: RouteStatus = field(default_factory=RouteStatus)


class StreamRouteSpec(Part, frozen=True):
    rules: list[StreamRouteRule]
    parent_refs: list[ParentReference] = []

    @property
    def hostnames(self) -> tuple[str, ...]:
        """None: neither plain TCP nor UDP says whom it is for."""
        return ()


class TCPRoute(Resource, frozen=True):
    spec: StreamRouteSpec
    status: RouteStatus = field(default_factory=RouteStatus)


class UDPRoute(Resource, frozen=True):
    spec: StreamRouteSpec
    status: RouteStatus = field(default_factory=RouteStatus)
