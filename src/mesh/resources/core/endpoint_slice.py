"""EndpointSlice (Kubernetes discovery.k8s.io/v1): a Service's addresses, for other tools to read."""

from typing import Any

from msgspec import field

from mesh.resources.core.config import ObjectReference
from mesh.resources.values.meta import Part, Resource


class EndpointConditions(Part, frozen=True):
    """As in Kubernetes, unset means ready."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Part, frozen=True):
    """One pod's addresses; `target_ref` names the pod."""

    addresses: list[str]
    conditions: EndpointConditions = field(default_factory=EndpointConditions)
    hostname: str = ""
    node_name: str = ""
    zone: str = ""
    target_ref: ObjectReference | None = None
    deprecated_topology: dict[str, str] = {}
    hints: dict[str, Any] | None = None


class EndpointPort(Part, frozen=True):
    name: str = ""
    port: int | None = None
    protocol: str = "TCP"
    app_protocol: str = ""


class EndpointSlice(Resource, frozen=True):
    """`address_type` is IPv4, IPv6 or FQDN; every endpoint serves every port."""

    address_type: str
    endpoints: list[Endpoint] = []
    ports: list[EndpointPort] = []
