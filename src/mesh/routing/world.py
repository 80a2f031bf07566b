"""What the compiler looks at: the objects of one moment, reduced to what routing asks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Self, TypeVar, cast
from zlib import crc32

from mesh.resources.core.certificates import authority_of, authority_text
from mesh.resources.core.config import ConfigMap, Namespace, Secret
from mesh.resources.core.endpoint_slice import EndpointSlice
from mesh.resources.core.ingress import Ingress, IngressClass
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.gateway_api.backend_tls_policy import BackendTLSPolicy
from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.mesh import XMesh
from mesh.resources.gateway_api.stream_routes import TCPRoute, TLSRoute, UDPRoute
from mesh.resources.gateway_api.types import Gateway as ApiGateway
from mesh.resources.gateway_api.types import GatewayClass, GRPCRoute, HTTPRoute, ReferenceGrant
from mesh.resources.istio.authorization_policy import AuthorizationPolicy
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.gateway import Gateway
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.istio.sidecar import Sidecar
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import Branch
from mesh.resources.values.hosts import DOMAIN
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.ports import SIDECAR_PORT
from mesh.resources.values.ref import Ref
from mesh.routing.memory import Memory
from mesh.routing.network import LoopbackNetwork, Network
from mesh.store import Store

T = TypeVar("T", bound=Resource)
DEFAULT_PORTS = MappingProxyType({80: 8080, 443: 8443})


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """Where the mesh listens. `ports` maps a Gateway's port to the one used here; others stay as they are.

    `developer_subnet` and `gateway_subnet` are three numbers of an address ("127.20.255"): Gateways of the Gateway API
    have addresses of the latter, where `own_ports` says what `ports` says elsewhere. `telemetry`: Envoy reports every
    request.
    `any_host`: pods can call hosts that the mesh does not know (Istio's outboundTrafficPolicy ALLOW_ANY).
    `network`: whether pods have network namespaces. `branch_secret`: what the tags of branches are made with.
    """

    gateway_address: str = "127.0.0.1"
    node_address: str = "127.0.0.1"
    ports: Mapping[int, int] = field(default_factory=lambda: DEFAULT_PORTS)
    sidecar_port: int = SIDECAR_PORT
    developer_subnet: str = ""
    gateway_subnet: str = "127.15.254"
    own_ports: Mapping[int, int] = field(default_factory=dict)
    telemetry: bool = True
    any_host: bool = False
    network: Network = field(default_factory=LoopbackNetwork)
    branch_secret: bytes = field(default=b"", repr=False)

    def developer_address(self, namespace: str) -> str:
        """Where programs that are no pods call into a namespace; "" when there is no such place."""
        return f"{self.developer_subnet}.{1 + crc32(namespace.encode()) % 250}" if self.developer_subnet else ""


@dataclass(frozen=True, slots=True)
class MeshPod:
    """A pod as routing sees it; `ready` is false while it ends. `ports` are its containers', by name."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    ip: str
    ready: bool
    ports: Mapping[str, int]
    owner: str = ""
    service_account: str = "default"
    uid: str = ""

    @classmethod
    def of(cls, pod: Pod) -> Self:
        ready = any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions)
        owner = next((reference.name for reference in pod.metadata.owner_references if reference.controller), "")
        return cls(
            namespace=pod.metadata.namespace,
            name=pod.metadata.name,
            labels=pod.metadata.labels,
            ip=pod.status.pod_ip,
            ready=ready and pod.metadata.deletion_timestamp is None,
            ports={
                port.name: port.container_port
                for container in pod.spec.containers
                for port in container.ports
                if port.name
            },
            owner=owner.rpartition("-")[0],
            service_account=pod.spec.service_account_name or pod.spec.service_account or "default",
            uid=pod.metadata.uid,
        )


@dataclass(frozen=True, slots=True)
class World:
    """Objects of one moment, by their structs. Each kind's are sorted by age and name, so that nothing depends on how
    they were listed.

    `addresses` are those of the `names` that have been resolved, `keys` are the JSON Web Key Sets of
    RequestAuthentications by their URLs, `namespaces` are those there are, with their labels. `authorities` are the
    certificates of who is trusted, in PEM, of the ConfigMaps that have any.
    """

    version: int
    objects: Mapping[type[Resource], tuple[Resource, ...]] = field(default_factory=dict, repr=False)
    pods: tuple[MeshPod, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[tuple[str, str], Secret] = field(default_factory=dict, repr=False)
    authorities: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, store: Store, memory: Memory | None = None) -> Self:
        """The world as the store has it now. `memory`, given again and again, keeps pods that did not change."""
        objects = (typed for definition in REGISTRY.routing_kinds() for typed in store.of(definition.type))
        return cls.build(store.version, objects, memory)

    @classmethod
    def build(cls, version: int, objects: Iterable[Resource], memory: Memory | None = None) -> Self:
        """A world from typed objects in any order; kinds that routing does not look at are never asked for."""
        memory = memory or Memory()
        memory.begin(None)
        by_type: dict[type[Resource], list[Resource]] = defaultdict(list)
        for typed in sorted(objects, key=age):
            # What the mesh derives from pods would make two worlds of one; the API's address is the network's own.
            is_derived = isinstance(typed, EndpointSlice) and typed.is_derived
            if not is_derived and not (isinstance(typed, Service) and typed.is_api):
                by_type[type(typed)].append(typed)
        world = cls(version, {type_: tuple(group) for type_, group in by_type.items()})
        return replace(
            world,
            pods=tuple(
                memory.keep((pod.metadata.namespace, pod.metadata.name), pod, partial(MeshPod.of, pod))
                for pod in world.all(Pod)
                if pod.status.pod_ip and not _ended(pod)
            ),
            namespaces={namespace.metadata.name: namespace.metadata.labels for namespace in world.all(Namespace)},
            secrets={(secret.metadata.namespace, secret.metadata.name): secret for secret in world.all(Secret)},
            authorities={
                (config_map.metadata.namespace, config_map.metadata.name): text
                for config_map in world.all(ConfigMap)
                if (text := authority_text(config_map))
            },
        )

    def all(self, type_: type[T]) -> tuple[T, ...]:
        """All objects of a kind, oldest first: `world.all(VirtualService)`."""
        return cast("tuple[T, ...]", self.objects.get(type_, ()))

    def replaced(self, ref: Ref, typed: Resource | None) -> Self:
        """The world with another state of one object, or without it; used when Envoy refused what is stored."""
        definition = REGISTRY.by_kind(ref.group, ref.kind)
        if definition is None:
            return self
        others = [other for other in self.all(definition.type) if ref_of(other) != ref]
        group = sorted(others if typed is None else [*others, typed], key=age)
        return replace(self, objects={**self.objects, definition.type: tuple(group)})

    @property
    def services(self) -> tuple[Service, ...]:
        return self.all(Service)

    @property
    def virtual_services(self) -> tuple[VirtualService, ...]:
        return self.all(VirtualService)

    @property
    def destination_rules(self) -> tuple[DestinationRule, ...]:
        return self.all(DestinationRule)

    @property
    def gateways(self) -> tuple[Gateway, ...]:
        """Istio's."""
        return self.all(Gateway)

    @property
    def branches(self) -> tuple[Branch, ...]:
        return self.all(Branch)

    @property
    def policies(self) -> tuple[AuthorizationPolicy, ...]:
        return self.all(AuthorizationPolicy)

    @property
    def authentications(self) -> tuple[RequestAuthentication, ...]:
        return self.all(RequestAuthentication)

    @property
    def entries(self) -> tuple[ServiceEntry, ...]:
        return self.all(ServiceEntry)

    @property
    def slices(self) -> tuple[EndpointSlice, ...]:
        """Those that somebody has written, for Services without a selector."""
        return self.all(EndpointSlice)

    @property
    def ingresses(self) -> tuple[Ingress, ...]:
        """Kubernetes' own; those that the gateway serves are chosen by their class."""
        return self.all(Ingress)

    @property
    def ingress_classes(self) -> tuple[IngressClass, ...]:
        return self.all(IngressClass)

    @property
    def names(self) -> frozenset[str]:
        """The names outside of the mesh that must be resolved."""
        external = (service.spec.external_name for service in self.services if service.spec.type == "ExternalName")
        outside = {name.rstrip(".").lower() for name in external if not name.rstrip(".").endswith(f".{DOMAIN}")}
        return frozenset(outside.union(*(entry.names for entry in self.entries)))

    @property
    def sidecars(self) -> tuple[Sidecar, ...]:
        return self.all(Sidecar)

    @property
    def gateway_classes(self) -> tuple[GatewayClass, ...]:
        return self.all(GatewayClass)

    @property
    def api_gateways(self) -> tuple[ApiGateway, ...]:
        """The Gateway API's."""
        return self.all(ApiGateway)

    @property
    def http_routes(self) -> tuple[HTTPRoute, ...]:
        return self.all(HTTPRoute)

    @property
    def grpc_routes(self) -> tuple[GRPCRoute, ...]:
        return self.all(GRPCRoute)

    @property
    def tls_routes(self) -> tuple[TLSRoute, ...]:
        return self.all(TLSRoute)

    @property
    def tcp_routes(self) -> tuple[TCPRoute, ...]:
        return self.all(TCPRoute)

    @property
    def udp_routes(self) -> tuple[UDPRoute, ...]:
        return self.all(UDPRoute)

    @property
    def listener_sets(self) -> tuple[ListenerSet, ...]:
        return self.all(ListenerSet)

    @property
    def tls_policies(self) -> tuple[BackendTLSPolicy, ...]:
        return self.all(BackendTLSPolicy)

    @property
    def meshes(self) -> tuple[XMesh, ...]:
        return self.all(XMesh)

    def authority(self, kind: str, namespace: str, name: str) -> str:
        """The certificates in `ca.crt` of a ConfigMap or a Secret, in PEM; "" when there are none."""
        if kind == "Secret":
            secret = self.secrets.get((namespace, name))
            return authority_of(secret) if secret is not None else ""
        return self.authorities.get((namespace, name), "")

    @property
    def grants(self) -> tuple[ReferenceGrant, ...]:
        return self.all(ReferenceGrant)


def age(typed: Resource) -> tuple[str, str, str]:
    """Oldest first, as Istio orders rules for one host; then by namespace and name."""
    meta = typed.metadata
    return (meta.creation_timestamp or "", meta.namespace, meta.name)


def _ended(pod: Pod) -> bool:
    return pod.status.phase in ("Succeeded", "Failed")
