"""Sidecar (Istio networking.istio.io): which hosts the pods of a namespace can call."""

from typing import Any

from msgspec import field

from mesh.resources.istio.common import IstioStatus
from mesh.resources.istio.virtual_service import Destination
from mesh.resources.values.meta import Part, Resource


class IstioEgressListener(Part, frozen=True):
    """`hosts` are `namespace/host`: `*` for any, `.` for the Sidecar's own namespace, `~` for none."""

    hosts: list[str] = []
    port: dict[str, Any] | None = None
    bind: str = ""
    capture_mode: str = ""


class SidecarSelector(Part, frozen=True):
    labels: dict[str, str] = {}


ALLOW_ANY, REGISTRY_ONLY = "ALLOW_ANY", "REGISTRY_ONLY"


class OutboundTrafficPolicy(Part, frozen=True):
    """Whether hosts unknown to the mesh can be called: `ALLOW_ANY`, `REGISTRY_ONLY`."""

    mode: str = REGISTRY_ONLY
    egress_proxy: Destination | None = None


class SidecarSpec(Part, frozen=True):
    workload_selector: SidecarSelector | None = None
    egress: list[IstioEgressListener] = []
    ingress: list[dict[str, Any]] = []
    outbound_traffic_policy: OutboundTrafficPolicy | None = None
    inbound_connection_pool: dict[str, Any] | None = None


class Sidecar(Resource, frozen=True):
    spec: SidecarSpec = field(default_factory=SidecarSpec)
    status: IstioStatus = field(default_factory=IstioStatus)

    @property
    def is_for_some_pods(self) -> bool:
        """Whether it selects pods of its namespace by their labels."""
        selector = self.spec.workload_selector
        return selector is not None and bool(selector.labels)
