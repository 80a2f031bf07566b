"""Service (Kubernetes core/v1)."""

from typing import Any

from msgspec import field

from mesh.resources.core.pod import IntOrString
from mesh.resources.values.meta import Condition, Part, Resource

# Namespace and name of the Service by which a cluster's own API is found.
API_SERVICE = ("default", "kubernetes")


class ServicePort(Part, frozen=True):
    """`target_port` is a number, or the name of a container's port; it defaults to `port`."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    target_port: IntOrString | None = None
    node_port: int = 0
    app_protocol: str = ""


class ServiceSpec(Part, frozen=True):
    ports: list[ServicePort] = []
    selector: dict[str, str] = {}
    type: str = "ClusterIP"
    cluster_ip: str = field(name="clusterIP", default="")
    cluster_ips: list[str] = field(name="clusterIPs", default_factory=list)
    ip_families: list[str] = []
    ip_family_policy: str = ""
    internal_traffic_policy: str = ""
    external_traffic_policy: str = ""
    session_affinity: str = "None"
    session_affinity_config: dict[str, Any] | None = None
    external_ips: list[str] = field(name="externalIPs", default_factory=list)
    external_name: str = ""
    load_balancer_ip: str = field(name="loadBalancerIP", default="")
    load_balancer_class: str = ""
    load_balancer_source_ranges: list[str] = []
    allocate_load_balancer_node_ports: bool | None = None
    health_check_node_port: int = 0
    publish_not_ready_addresses: bool = False
    traffic_distribution: str = ""


class ServiceStatus(Part, frozen=True):
    load_balancer: dict[str, Any] = {}
    conditions: list[Condition] = []


class Service(Resource, frozen=True):
    spec: ServiceSpec = field(default_factory=ServiceSpec)
    status: ServiceStatus = field(default_factory=ServiceStatus)

    @property
    def is_api(self) -> bool:
        """Whether it stands for the mesh's API, which is no workload of the mesh."""
        return (self.metadata.namespace, self.metadata.name) == API_SERVICE and (
            self.metadata.labels.get("provider") == "kubernetes"
        )
