"""Everything that one compilation looks up; built once, and only read after that.

What changes with nearly every object is built anew. What is expensive comes from the memory, see `memory`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.hosts import resolve, service_host
from mesh.routing.branches.marks import marks_of
from mesh.routing.branches.targets import Branches
from mesh.routing.destinations.declared import declared_groups
from mesh.routing.destinations.directory import Directory
from mesh.routing.destinations.names import ClusterNames
from mesh.routing.destinations.views import Views, is_shown
from mesh.routing.egress import Egress
from mesh.routing.gateway_api.attachment import GatewayApi
from mesh.routing.gateways import Servers, servers_by_port
from mesh.routing.ingress import gateways_of, rules_of, served_ingresses
from mesh.routing.memory import Memory
from mesh.routing.model.cluster import Cluster, Endpoint, Group
from mesh.routing.model.table import Marks
from mesh.routing.security.access import Policies
from mesh.routing.security.authentication import Tokens
from mesh.routing.virtual_service.place import MESH, Place
from mesh.routing.virtual_service.rules import HostRules
from mesh.routing.virtual_service.tls import ClusterOf
from mesh.routing.world import MeshSettings, World


@dataclass(frozen=True)
class Context:
    """`groups` are the clusters of Services, ServiceEntries and branches; `servers` those of Istio's Gateways by port;
    `namespaces` those that pods can call from."""

    world: World
    settings: MeshSettings
    memory: Memory
    directory: Directory
    views: Views
    egress: Egress
    host_rules: HostRules
    policies: Policies
    tokens: Tokens
    api: GatewayApi
    servers: Servers
    branches: Branches
    groups: Mapping[str, Group]

    @classmethod
    def of(cls, world: World, settings: MeshSettings, memory: Memory) -> Self:
        """The order is that of dependence: who is there, what their clusters are, what branches put in their place."""
        directory = Directory(world, memory)
        # They depend on Services too, which are of the environment.
        views = memory.keep("views", world.destination_rules, lambda: Views(world.destination_rules, directory))
        policies, tokens = Policies(world.policies), Tokens(world.authentications, world.keys)
        declared = {
            group[0].name: group for group in declared_groups(world, directory, views, policies, tokens, memory)
        }
        branches = Branches(world, directory, declared, memory)
        api = GatewayApi(world, settings)
        ingresses = served_ingresses(world.ingresses, world.ingress_classes)
        egress = Egress(world.sidecars, any_host=settings.any_host)
        return cls(
            world=world,
            settings=settings,
            memory=memory,
            directory=directory,
            views=views,
            egress=egress,
            host_rules=HostRules((*world.virtual_services, *rules_of(ingresses, world.services)), directory, egress),
            policies=policies,
            tokens=tokens,
            api=api,
            servers=servers_by_port((*world.gateways, *gateways_of(ingresses))),
            branches=branches,
            groups={**declared, **branches.groups},
        )

    @cached_property
    def clusters(self) -> Mapping[str, Cluster]:
        return {name: cluster for name, (cluster, _) in self.groups.items()}

    @cached_property
    def endpoints(self) -> Mapping[str, tuple[Endpoint, ...]]:
        return {name: endpoints for name, (_, endpoints) in self.groups.items()}

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """Those that pods can call from: where pods, Services or branches are."""
        pods = {pod.namespace for pod in self.world.pods}
        services = {service.namespace for service in self.directory.services}
        return tuple(sorted(pods | services | self.branches.namespaces))

    @cached_property
    def marks(self) -> Marks:
        """How each branch is recognised in what programs forward."""
        return marks_of(self.branches.all, self.settings.branch_secret, self.memory)

    def calls_hosts_by_name(self, namespace: str) -> bool:
        """Whether a namespace's table sends requests to hosts that only the requests name: all unknown ones, or those
        of a ServiceEntry's wildcard."""
        return self.egress.calls_any_host(namespace) or any(
            is_shown(service.entry.spec.export_to, service.namespace, namespace)
            for service in self.directory.entries
            if service.entry is not None and self.directory.is_asked_for(service)
        )

    def rules(self, host: str, namespace: str) -> list[VirtualService]:
        """The VirtualServices for a host, without wildcards, as a namespace sees them."""
        return self.host_rules.of(host, namespace)

    def names(self, port: int, namespace: str) -> ClusterNames:
        """How destinations are named in rules for callers of a port, as a namespace sees them."""
        return ClusterNames(self.directory, self.views, namespace, port)

    def cluster_of(self, port: int, namespace: str) -> ClusterOf:
        """Names a cluster in any case."""
        return self.names(port, namespace).always

    def place(self, gateway: str, namespace: str, port: int, labels: Mapping[str, str], here: int) -> Place:
        names = ClusterNames(self.directory, self.views, namespace, port, only_called_port=gateway == MESH)
        return Place(gateway, namespace, port, names, labels, here)


def environment(world: World, settings: MeshSettings) -> object:
    """What anything may depend on, and what changes seldom: when it differs, nothing of the last time is used."""
    selective = tuple(rule for rule in world.destination_rules if _makes_views(rule))
    return (
        settings,
        world.services,
        world.slices,
        world.policies,
        world.authentications,
        world.keys,
        world.secrets,
        world.authorities,
        world.entries,
        world.addresses,
        world.sidecars,
        world.ingresses,
        world.ingress_classes,
        selective,
    )


def _makes_views(rule: DestinationRule) -> bool:
    """Whether some callers may see a rule that others do not, so that clusters have other names."""
    namespace = rule.metadata.namespace
    is_of_own_host = resolve(rule.spec.host, namespace).endswith(service_host("", namespace))
    return bool(rule.spec.export_to) or rule.spec.workload_selector is not None or not is_of_own_host
