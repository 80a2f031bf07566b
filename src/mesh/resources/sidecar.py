"""Sidecar (Istio networking.istio.io): which hosts the pods of a namespace can call."""

from typing import Any

from msgspec import field

from mesh.resources.istio import IstioStatus
from mesh.resources.meta import Part, Resource


class IstioEgressListener(Part, frozen=True):
    """`hosts` are `namespace/host`: `*` for any, `.` for the Sidecar's own namespace, `~` for none."""

    hosts: list[str] = []
    port: dict[str, Any] | None = None
    bind: str = ""
    capture_mode: str = ""


class SidecarSelector(Part, frozen=True):
    labels: dict[str, str] = {}


class SidecarSpec(Part, frozen=True):
    workload_selector: SidecarSelector | None = None
    egress: list[IstioEgressListener] = []
    ingress: list[dict[str, Any]] = []
    outbound_traffic_policy: dict[str, Any] | None = None
    inbound_connection_pool: dict[str, Any] | None = None


class Sidecar(Resource, frozen=True):
    spec: SidecarSpec = field(default_factory=SidecarSpec)
    status: IstioStatus = field(default_factory=IstioStatus)
