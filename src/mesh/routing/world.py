"""What the compiler looks at: the objects of one moment, reduced to what routing asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Self, TypeVar
from zlib import crc32

from mesh.resources.analysis.references import ref_of
from mesh.resources.core.config import Namespace, Secret
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.gateway_api.types import Gateway as ApiGateway
from mesh.resources.gateway_api.types import GatewayClass, GRPCRoute, HTTPRoute, ReferenceGrant
from mesh.resources.istio.authorization_policy import AuthorizationPolicy
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.gateway import Gateway
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.istio.sidecar import Sidecar
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.meshmall.branch import Branch
from mesh.resources.values.meta import Resource
from mesh.resources.values.ref import Ref
from mesh.routing.memory import Memory
from mesh.store import Store

T = TypeVar("T", bound=Resource)
DEFAULT_PORTS = MappingProxyType({80: 8080, 443: 8443})


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """Where the mesh listens. `ports` maps a Gateway's port to the one used here; others stay as they are.

    `developer_subnet` is three numbers of an address ("127.20.255"). `telemetry`: Envoy tells of every request.
    `any_host`: pods can call hosts that the mesh does not know (Istio's outboundTrafficPolicy ALLOW_ANY).
    """

    gateway_address: str = "127.0.0.1"
    node_address: str = "127.0.0.1"
    ports: Mapping[int, int] = field(default_factory=lambda: DEFAULT_PORTS)
    sidecar_port: int = 15001
    developer_subnet: str = ""
    telemetry: bool = True
    any_host: bool = False

    def developer_address(self, namespace: str) -> str:
        """Where programs that are no pods call into a namespace; "" when there is no such place."""
        return f"{self.developer_subnet}.{1 + crc32(namespace.encode()) % 250}" if self.developer_subnet else ""


@dataclass(frozen=True, slots=True)
class Workload:
    """A pod as routing sees it; `ready` is false while it ends. `ports` are its containers', by name."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    ip: str
    ready: bool
    ports: Mapping[str, int]
    owner: str = ""
    service_account: str = "default"

    @classmethod
    def of(cls, pod: Pod) -> Self:
        ready = any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions)
        owner = next((each.name for each in pod.metadata.owner_references if each.controller), "")
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
        )


@dataclass(frozen=True, slots=True)
class World:
    """Objects sorted by age and name, so that nothing depends on how they were listed. `addresses` are those of the
    names that ServiceEntries ask for, `keys` are the JSON Web Key Sets of RequestAuthentications by their URLs,
    `namespaces` are those there are, with their labels."""

    version: int
    services: tuple[Service, ...] = ()
    workloads: tuple[Workload, ...] = ()
    virtual_services: tuple[VirtualService, ...] = ()
    destination_rules: tuple[DestinationRule, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    branches: tuple[Branch, ...] = ()
    policies: tuple[AuthorizationPolicy, ...] = ()
    entries: tuple[ServiceEntry, ...] = ()
    sidecars: tuple[Sidecar, ...] = ()
    authentications: tuple[RequestAuthentication, ...] = ()
    gateway_classes: tuple[GatewayClass, ...] = ()
    api_gateways: tuple[ApiGateway, ...] = ()
    http_routes: tuple[HTTPRoute, ...] = ()
    grpc_routes: tuple[GRPCRoute, ...] = ()
    grants: tuple[ReferenceGrant, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[tuple[str, str], Secret] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, store: Store, memory: Memory | None = None) -> Self:
        """The world as the store has it now. `memory`, given again and again, keeps pods that did not change."""
        return cls.build(
            store.version,
            [
                *store.of(Service),
                *store.of(Pod),
                *store.of(VirtualService),
                *store.of(DestinationRule),
                *store.of(Gateway),
                *store.of(Branch),
                *store.of(Secret),
                *store.of(AuthorizationPolicy),
                *store.of(RequestAuthentication),
                *store.of(ServiceEntry),
                *store.of(Sidecar),
                *store.of(GatewayClass),
                *store.of(ApiGateway),
                *store.of(HTTPRoute),
                *store.of(GRPCRoute),
                *store.of(ReferenceGrant),
                *store.of(Namespace),
            ],
            memory,
        )

    @classmethod
    def build(cls, version: int, objects: Iterable[Resource], memory: Memory | None = None) -> Self:
        """A world from typed objects in any order; kinds that routing does not ask are left out."""
        memory = memory or Memory()
        memory.begin(None)
        everything = sorted(objects, key=age)
        pods = [each for each in everything if isinstance(each, Pod)]
        return cls(
            version=version,
            services=_only(everything, Service),
            workloads=tuple(
                memory.keep((pod.metadata.namespace, pod.metadata.name), pod, partial(Workload.of, pod))
                for pod in pods
                if pod.status.pod_ip and not _ended(pod)
            ),
            virtual_services=_only(everything, VirtualService),
            destination_rules=_only(everything, DestinationRule),
            gateways=_only(everything, Gateway),
            branches=_only(everything, Branch),
            policies=_only(everything, AuthorizationPolicy),
            authentications=_only(everything, RequestAuthentication),
            entries=_only(everything, ServiceEntry),
            sidecars=_only(everything, Sidecar),
            gateway_classes=_only(everything, GatewayClass),
            api_gateways=_only(everything, ApiGateway),
            http_routes=_only(everything, HTTPRoute),
            grpc_routes=_only(everything, GRPCRoute),
            grants=_only(everything, ReferenceGrant),
            namespaces={each.metadata.name: each.metadata.labels for each in _only(everything, Namespace)},
            secrets={(s.metadata.namespace, s.metadata.name): s for s in _only(everything, Secret)},
        )

    def replaced(self, ref: Ref, typed: Resource | None) -> Self:
        """The world with another state of one rule, or without it; used when Envoy refused what is stored."""

        def exchanged(held: tuple[T, ...], type_: type[T]) -> tuple[T, ...]:
            kept = [each for each in held if ref_of(each) != ref]
            if isinstance(typed, type_):
                kept.append(typed)
            return tuple(sorted(kept, key=age))

        return replace(
            self,
            services=exchanged(self.services, Service),
            virtual_services=exchanged(self.virtual_services, VirtualService),
            destination_rules=exchanged(self.destination_rules, DestinationRule),
            gateways=exchanged(self.gateways, Gateway),
            policies=exchanged(self.policies, AuthorizationPolicy),
            authentications=exchanged(self.authentications, RequestAuthentication),
            entries=exchanged(self.entries, ServiceEntry),
            sidecars=exchanged(self.sidecars, Sidecar),
            api_gateways=exchanged(self.api_gateways, ApiGateway),
            http_routes=exchanged(self.http_routes, HTTPRoute),
            grpc_routes=exchanged(self.grpc_routes, GRPCRoute),
        )


def age(each: Resource) -> tuple[str, str, str]:
    """Oldest first, as Istio orders rules for one host; then by namespace and name."""
    meta = each.metadata
    return (meta.creation_timestamp or "", meta.namespace, meta.name)


def _only(objects: Iterable[Resource], type_: type[T]) -> tuple[T, ...]:
    return tuple(each for each in objects if isinstance(each, type_))


def _ended(pod: Pod) -> bool:
    return pod.status.phase in ("Succeeded", "Failed")
