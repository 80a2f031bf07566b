"""Service (Kubernetes core/v1)."""

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


class ClientIPConfig(Part, frozen=True):
    timeout_seconds: int | None = None


class SessionAffinityConfig(Part, frozen=True):
    client_ip: ClientIPConfig | None = field(name="clientIP", default=None)


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
    session_affinity_config: SessionAffinityConfig | None = None
    external_ips: list[str] = field(name="externalIPs", default_factory=list)
    external_name: str = ""
    load_balancer_ip: str = field(name="loadBalancerIP", default="")
    load_balancer_class: str = ""
    load_balancer_source_ranges: list[str] = []
    allocate_load_balancer_node_ports: bool | None = None
    health_check_node_port: int = 0
    publish_not_ready_addresses: bool = False
    traffic_distribution: str = ""


class PortStatus(Part, frozen=True):
    """A port of a load balancer; with `error` it is not served there."""

    port: int
    protocol: str = "TCP"
    error: str = ""


class LoadBalancerIngress(Part, frozen=True):
    """Where a load balancer takes connections."""

    ip: str = ""
    hostname: str = ""
    ip_mode: str = ""
    ports: list[PortStatus] = []


class LoadBalancerStatus(Part, frozen=True):
    ingress: list[LoadBalancerIngress] = []


class ServiceStatus(Part, frozen=True):
    load_balancer: LoadBalancerStatus = field(default_factory=LoadBalancerStatus)
    conditions: list[Condition] = []


class Service(Resource, frozen=True):
    spec: ServiceSpec = field(default_factory=ServiceSpec)
    status: ServiceStatus = field(default_factory=ServiceStatus)

    @property
    def balanced_ports(self) -> frozenset[int]:
        """The ports at which a load balancer serves it on the machine."""
        ports = (port for place in self.status.load_balancer.ingress for port in place.ports)
        return frozenset(port.port for port in ports if port.protocol == "TCP" and not port.error)

    @property
    def is_api(self) -> bool:
        """Whether it stands for the mesh's API, which is no workload of the mesh."""
        return (self.metadata.namespace, self.metadata.name) == API_SERVICE and (
            self.metadata.labels.get("provider") == "kubernetes"
        )
