"""The hosts that pods call by name, one route table for each namespace (`outbound|<namespace>`).

One table is enough, since all HTTP of a pod goes through one listener and the request names the host. The order in
which hosts are built is the order of precedence where two of them have one domain: Services, ServiceEntries, hosts
that only rules have, services that only branches have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.meshmall.branch import PREVIEW_DOMAIN
from mesh.resources.values.hosts import aliases, resolve, service_host
from mesh.routing.capture import Captures
from mesh.routing.context import Context
from mesh.routing.destinations.directory import MeshService
from mesh.routing.destinations.protocol import may_be_http
from mesh.routing.destinations.views import is_shown
from mesh.routing.gateway_api.place import Where
from mesh.routing.gateway_api.references import HttpRoute
from mesh.routing.gateway_api.routes import rows_of
from mesh.routing.hosts.merging import merged_host, mesh_place, with_overrides
from mesh.routing.hosts.rows import clusters_forwarded, default_row
from mesh.routing.model.cluster import Cluster, Endpoint, Group
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Respond, Route, WeightedCluster
from mesh.routing.model.table import RouteTable, VirtualHost
from mesh.routing.model.transparent import EGRESS
from mesh.routing.model.tunnel import TUNNEL, TUNNEL_HEADER
from mesh.routing.virtual_service.retry import DEFAULT_RETRY
from mesh.routing.world import age

UNKNOWN = Route("unknown host", Match(), Respond(502, "mesh-mall: no service of this name and port is known here\n"))
TUNNELS = Cluster(TUNNEL, original_destination=True, destination_header=TUNNEL_HEADER)
# Istio's name for the cluster of hosts that the mesh does not know.
PASSTHROUGH = "PassthroughCluster"


class MeshHosts:
    """`captures` decide by destination where pods have network namespaces; None where they have not."""

    def __init__(self, context: Context, captures: Captures | None) -> None:
        self._context = context
        self._captures = captures
        # A Service's host is in the table of its namespace and in that of its ClusterIP: it is built once.
        self._built: dict[tuple[str, int, str], VirtualHost] = {}

    def tables(self) -> Iterator[RouteTable]:
        for namespace in self._context.namespaces:
            yield RouteTable(
                f"outbound|{namespace}",
                tuple(self._hosts(namespace)),
                tunnels=self._captures is None,
                marks=self._context.marks,
            )

    def groups(self) -> Iterator[Group]:
        """The clusters that only these tables name."""
        if self._captures is None:
            yield TUNNELS, ()
            if any(map(self._context.calls_hosts_by_name, self._context.namespaces)):
                yield Cluster(PASSTHROUGH, passthrough=True), ()
        if any(map(self._sees_gateways, self._context.namespaces)):
            address = self._context.settings.gateway_address
            for port in self._gateway_ports():
                yield Cluster(f"gateway-itself|{port}"), (Endpoint(address, port),)

    def service_host(
        self, service: MeshService, port: ServicePort, namespace: str, domains: tuple[str, ...]
    ) -> VirtualHost:
        """A Service's host as a namespace sees it, under these domains."""
        key = (service.host, port.port, namespace)
        host = self._built.get(key)
        if host is None:
            host = self._built[key] = self._service_host(service, port, namespace, domains)
        if host.domains == domains:
            return host
        return self._context.memory.keep(("renamed", *key, domains), host, lambda: replace(host, domains=domains))

    def _hosts(self, namespace: str) -> Iterator[VirtualHost]:
        """Everything that a pod of this namespace can call by name. Envoy refuses a table in which a domain occurs
        twice, so each part leaves out the domains that an earlier one has."""
        taken: set[str] = set()
        yield from self._services(namespace, taken)
        yield from self._entries(namespace, taken)
        yield from self._ruled(namespace, taken)
        yield from self._of_branches(namespace, taken)
        yield from self._gateways(namespace)
        yield self._everything_else(namespace)

    def _services(self, namespace: str, taken: set[str]) -> Iterator[VirtualHost]:
        for service in self._context.directory.services:
            if self._context.egress.sees(namespace, service.host, service.namespace):
                names = self._context.directory.names(service, namespace)
                for port in service.spec.ports:
                    domains = _domains(names, port.port)
                    taken.update(domains)
                    yield self.service_host(service, port, namespace, domains)

    def _entries(self, namespace: str, taken: set[str]) -> Iterator[VirtualHost]:
        for entry in self._context.directory.entries:
            assert entry.entry is not None
            if not is_shown(entry.entry.spec.export_to, entry.namespace, namespace):
                continue
            if not self._context.egress.sees(namespace, entry.host, entry.namespace):
                continue
            for port in entry.spec.ports:
                if may_be_http(port) and (domains := _free(_domains((entry.host,), port.port), taken)):
                    if self._context.directory.is_asked_for(entry) and not self._context.rules(entry.host, namespace):
                        yield self._host_asked_for(entry, port, domains)
                    else:
                        yield self.service_host(entry, port, namespace, domains)

    def _host_asked_for(self, entry: MeshService, port: ServicePort, domains: tuple[str, ...]) -> VirtualHost:
        """Every host of a wildcard: a request goes to the one that it names (Istio's resolution NONE)."""
        cluster = PASSTHROUGH if self._captures is None else EGRESS
        route = Route(
            "default", Match(), Forward((WeightedCluster(cluster),), retry=DEFAULT_RETRY), origins=(entry.ref,)
        )
        return VirtualHost(f"{entry.host}:{port.port}", domains, (route,), (entry.ref,))

    def _ruled(self, namespace: str, taken: set[str]) -> Iterator[VirtualHost]:
        """The hosts that are no Service's, and have rules: they are called at port 80, and at the ports of the Services
        that a rule names beside them (Istio's selectVirtualServices)."""
        for host, of_host in self._context.host_rules.exact_hosts().items():
            if self._context.directory.service(host) is not None:
                continue
            rules = self._visible(host, of_host, namespace)
            for port in sorted({80, *(port for rule in rules for port in self._ports_beside(rule))}):
                selected = [rule for rule in rules if port == 80 or port in self._ports_beside(rule)]
                domains = _free(_domains((host,), port), taken) if selected else ()
                if domains:
                    name = host if port == 80 else f"{host}:{port}"
                    yield self._rules_host(name, domains, selected, namespace, port)
        for host, of_host in self._context.host_rules.wild_hosts().items():
            if host not in taken:
                rules = self._visible(host, of_host, namespace)
                if rules:
                    yield self._rules_host(host, (host,), rules, namespace)

    def _ports_beside(self, rule: VirtualService) -> Iterator[int]:
        """The ports of the Services among a rule's hosts at which HTTP is spoken."""
        for host in rule.spec.hosts:
            service = self._context.directory.service(resolve(host, rule.metadata.namespace))
            if service is not None:
                yield from (port.port for port in service.spec.ports if may_be_http(port))

    def _visible(self, host: str, rules: Sequence[VirtualService], namespace: str) -> list[VirtualService]:
        """The rules of a host that is no Service's, as far as the namespace may call it."""
        egress = self._context.egress
        return [
            rule
            for rule in rules
            if is_shown(rule.spec.export_to, rule.metadata.namespace, namespace)
            and egress.sees(namespace, host, rule.metadata.namespace)
        ]

    def _of_branches(self, namespace: str, taken: set[str]) -> Iterator[VirtualHost]:
        """The services that only branches have: unknown to everybody else."""
        branches = self._context.branches
        for service_namespace, service, port in branches.own_hosts():
            domains = _free(_domains(aliases(service, service_namespace, namespace), port.port), taken)
            if domains:
                host = service_host(service, service_namespace)
                overrides = branches.own_overrides(host, port.port)
                yield VirtualHost(f"{host}:{port.port}", domains, (UNKNOWN,), overrides=overrides)

    def _gateways(self, namespace: str) -> Iterator[VirtualHost]:
        """The gateways by their address, for developers' programs, whose calls go through the table of a namespace."""
        if not self._sees_gateways(namespace):
            return
        for port in self._gateway_ports():
            name = f"gateway-itself|{port}"
            address = self._context.settings.gateway_address
            hosts = tuple(dict.fromkeys((address, "127.0.0.1", "localhost", f"*.{PREVIEW_DOMAIN}")))
            route = Route("gateway", Match(), Forward((WeightedCluster(name),)))
            yield VirtualHost(name, _domains(hosts, port), (route,))

    def _sees_gateways(self, namespace: str) -> bool:
        return bool(self._context.settings.developer_subnet) and namespace in self._context.branches.namespaces

    def _gateway_ports(self) -> list[int]:
        ports = self._context.settings.ports
        return [ports.get(port, port) for port in self._context.servers]

    def _everything_else(self, namespace: str) -> VirtualHost:
        """The host for requests that name none of the others."""
        if self._captures is not None:
            rows = self._captures.fallback(namespace, UNKNOWN)
            return VirtualHost("unknown", ("*",), rows, by_destination=self._captures.by_destination(namespace))
        if self._context.egress.calls_any_host(namespace):
            action = Forward((WeightedCluster(PASSTHROUGH),), retry=DEFAULT_RETRY)
            return VirtualHost("allow_any", ("*",), (Route("allow_any", Match(), action),))
        return VirtualHost("unknown", ("*",), (UNKNOWN,))

    def _service_host(
        self, service: MeshService, port: ServicePort, namespace: str, domains: tuple[str, ...]
    ) -> VirtualHost:
        """The VirtualService that counts, or the routes of the Gateway API; without both all pods of the Service."""
        context = self._context
        after: tuple[Route, ...] = ()
        rules: list[VirtualService] = []
        routes: Sequence[HttpRoute] = ()
        # As with Istio, a port that is named for another protocol has no HTTP rules.
        if may_be_http(port):
            rules = context.host_rules.of_service(service.host, namespace)
            routes = context.api.of_service(service.namespace, service.name, port.port, namespace)
        if routes and service.entry is None:
            after = rows_of(
                routes, context.api.references, Where(mesh_place(context, namespace, port.port), "http", {})
            )
            if _come_first(routes, rules, namespace):
                rules = []
        else:
            after = (default_row(service, port, context.views.view(service.host, namespace)),)
        host = merged_host(
            context, f"{service.host}:{port.port}", domains, rules, (namespace, port.port), after, service.ref
        )
        overrides = context.branches.overrides(service.host, port.port, clusters_forwarded(host.routes))
        return with_overrides(self._context, host, namespace, overrides)

    def _rules_host(
        self, name: str, domains: tuple[str, ...], rules: Sequence[VirtualService], namespace: str, port: int = 80
    ) -> VirtualHost:
        """A host that is no Service's."""
        host = merged_host(self._context, name, domains, rules, (namespace, port), (UNKNOWN,))
        overrides = self._context.branches.overrides_by_destination(clusters_forwarded(host.routes))
        return with_overrides(self._context, host, namespace, overrides)


def _come_first(routes: Sequence[HttpRoute], rules: Sequence[VirtualService], namespace: str) -> bool:
    """Whether routes of the Gateway API count before VirtualServices for a Service, as with Istio: those of the
    caller's own namespace do, of others the older object counts."""
    if any(route.metadata.namespace == namespace for route in routes):
        return True
    return bool(rules) and min(map(age, routes)) < min(map(age, rules))


def _domains(hosts: Sequence[str], port: int) -> tuple[str, ...]:
    """Hosts with their port; port 80 is the one that clients leave out."""
    return (*(f"{host}:{port}" for host in hosts), *(hosts if port == 80 else ()))


def _free(domains: Sequence[str], taken: set[str]) -> tuple[str, ...]:
    """The domains that nobody has taken yet, which are taken now."""
    free = tuple(domain for domain in domains if domain not in taken)
    taken.update(free)
    return free
