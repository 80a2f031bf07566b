"""EndpointSlice (Kubernetes discovery.k8s.io/v1): a Service's addresses, for other tools to read."""

from typing import Any

from msgspec import field

from mesh.resources.core.config import ObjectReference
from mesh.resources.values.meta import Part, Resource

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL, MANAGED_BY_MESH = "endpointslice.kubernetes.io/managed-by", "meshmall"
# Copies of Endpoints that somebody wrote, as Kubernetes' controller marks them; and what keeps it from copying some.
MANAGED_BY_MIRROR = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR_LABEL = "endpointslice.kubernetes.io/skip-mirror"


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

    @property
    def service(self) -> str:
        """The name of the Service that it belongs to, "" for none."""
        return self.metadata.labels.get(SERVICE_NAME_LABEL, "")

    @property
    def is_derived(self) -> bool:
        """Whether the mesh has written it, from a Service and its pods; others are somebody's own."""
        return self.metadata.labels.get(MANAGED_BY_LABEL) == MANAGED_BY_MESH
