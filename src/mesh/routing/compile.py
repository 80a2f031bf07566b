"""A world to a snapshot: every listener, route table, cluster and endpoint that Envoy should have. Pure.

Services are called inside the mesh by one table a namespace (`outbound|<namespace>`), since a pod's whole
HTTP goes through one proxy listener that knows the host by the request. Gateways have one table a port.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.gateway import Gateway, Server
from mesh.resources.istio.ingress_gateway import SELECTOR
from mesh.resources.istio.virtual_service import Destination, VirtualService
from mesh.resources.meshmall.branch import PREVIEW_DOMAIN
from mesh.resources.values.hosts import aliases, covers, resolve, service_host, specificity
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.branches import Branches
from mesh.routing.capture import BLACK_HOLE, Captures, Lookups, outside_endpoint
from mesh.routing.destinations.clusters import clusters_of
from mesh.routing.destinations.directory import Directory, Known
from mesh.routing.destinations.protocol import may_be_http
from mesh.routing.destinations.views import EVERYBODY, Views, cluster_name, is_shown
from mesh.routing.egress import Egress
from mesh.routing.gateway_api.attachment import AnyRoute, GatewayApi, is_api
from mesh.routing.gateway_api.routes import Where, rows_of
from mesh.routing.gateway_clusters import GatewayClusters
from mesh.routing.listeners import gateway_name, listeners_of, served
from mesh.routing.memory import Memory
from mesh.routing.model.cluster import Cluster, Endpoint
from mesh.routing.model.listener import FilterChain
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Redirect, Respond, Route, WeightedCluster
from mesh.routing.model.security import Authentication
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import BranchOverride, Entries, RouteTable, VirtualHost
from mesh.routing.model.transparent import DIRECT, EGRESS, PodAccess
from mesh.routing.network import NamespaceNetwork
from mesh.routing.security.access import Policies
from mesh.routing.security.authentication import Tokens
from mesh.routing.virtual_service.delegates import delegates_of
from mesh.routing.virtual_service.place import MESH, Place
from mesh.routing.virtual_service.retry import DEFAULT_RETRY
from mesh.routing.virtual_service.routes import rows
from mesh.routing.virtual_service.tls import chains_of, is_encrypted, mesh_shares, speaks_http
from mesh.routing.world import MeshSettings, World

UNKNOWN = Route("unknown host", Match(), Respond(502, "mesh-mall: no service of this name and port is known here\n"))
# Istio's name for where a host leads that the mesh does not know.
PASSTHROUGH = "PassthroughCluster"


def compile(  # noqa: A001 - what it does
    world: World, settings: MeshSettings, memory: Memory | None = None
) -> Snapshot:
    """Everything Envoy should know of this world. The same world gives an equal snapshot.

    `memory`, given again and again, lets what did not change be the same objects as the last time.
    """
    memory = memory or Memory()
    memory.begin(_environment(world, settings))
    return _Compiler(world, settings, memory).snapshot()


def _environment(world: World, settings: MeshSettings) -> object:
    """What anything may depend on, and what changes seldom: then all is worked out anew."""
    narrow = (
        rule for rule in world.destination_rules if rule.spec.export_to or rule.spec.workload_selector is not None
    )
    return (
        settings,
        world.services,
        world.policies,
        world.authentications,
        world.keys,
        world.secrets,
        world.entries,
        world.addresses,
        world.sidecars,
        tuple(narrow),
    )


class _Compiler:
    """Holds what one compilation looks up again and again."""

    def __init__(self, world: World, settings: MeshSettings, memory: Memory) -> None:
        self._memory = memory
        self._world = world
        self._settings = settings
        self._directory = Directory(world, memory)
        # Services are of the environment.
        self._views = memory.keep(
            "views", world.destination_rules, lambda: Views(world.destination_rules, self._directory)
        )
        self._egress = Egress(world.sidecars, any_host=settings.any_host)
        self._delegates = delegates_of(world.virtual_services)
        self._policies = Policies(world.policies)
        self._tokens = Tokens(world.authentications, world.keys)
        self._branches = Branches(world, self._directory, memory)
        self._api = GatewayApi(world)
        self._clusters: dict[str, Cluster] = {}
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self._hosts: dict[tuple[str, int, str], VirtualHost] = {}
        self._captures = self._by_destination()
        self._by_host: dict[str, list[VirtualService]] = defaultdict(list)
        self._wild: list[tuple[str, VirtualService]] = []
        for rule in world.virtual_services:
            if rule.spec.gateways and MESH not in rule.spec.gateways:
                continue
            for host in rule.spec.hosts:
                resolved = self._resolved(host, rule.metadata.namespace)
                if resolved.startswith("*"):
                    self._wild.append((resolved, rule))
                else:
                    self._by_host[resolved].append(rule)
        self._wild.sort(key=lambda pair: specificity(pair[0]))

    def snapshot(self) -> Snapshot:
        self._add_clusters()
        tables: dict[str, RouteTable] = {}
        namespaces = sorted(
            {each.namespace for each in self._world.workloads}
            | {known.namespace for known in self._directory.services}
            | self._branches.namespaces
        )
        for namespace in namespaces:
            name = f"outbound|{namespace}"
            tables[name] = RouteTable(name, tuple(self._sidecar_hosts(namespace)))
        entries = self._branches.entries(self._memory)
        for table in (*self._gateway_tables(entries), *self._service_tables(entries)):
            tables[table.name] = table
        listeners = {
            each.name: each if self._settings.telemetry else replace(each, logged=False)
            for each in listeners_of(self._world, self._directory, self._settings, self, self._memory, self._captures)
        }
        open_tables = {f"outbound|{each}" for each in namespaces if self._egress.calls_any_host(each)}
        if self._captures is None and open_tables:
            listeners = {
                name: replace(each, passthrough=True) if each.table in open_tables else each
                for name, each in listeners.items()
            }
        self._reach_outside()
        authentications = {each.name: each for each in self._authentications(tables)}
        access = self._captures.pod_access() if self._captures is not None else PodAccess()
        return Snapshot(
            self._world.version, listeners, tables, self._clusters, self._endpoints, authentications, access
        )

    def _by_destination(self) -> Captures | None:
        """What is decided by where connections were going, where that is known."""
        network = self._settings.network
        if not isinstance(network, NamespaceNetwork):
            return None
        for cluster in (
            Cluster(DIRECT, original_destination=True, detected=True),
            Cluster(EGRESS, egress_socket=network.egress_socket, detected=True),
            Cluster(BLACK_HOLE),
        ):
            self._clusters[cluster.name], self._endpoints[cluster.name] = cluster, ()
        lookups = Lookups(
            self._world,
            self._directory,
            self._views,
            self._egress,
            self._branches,
            self._policies,
            self._tokens,
            self._clusters,
            self._endpoints,
            lambda host, namespace: exported(self._by_host.get(host, ()), namespace),
            lambda port, namespace: self._cluster_for(port, namespace).always,
        )
        return Captures(network, lookups)

    def _reach_outside(self) -> None:
        """Endpoints that are no pods are beyond the mesh's network: the edge connects to them."""
        network = self._settings.network
        if not isinstance(network, NamespaceNetwork):
            return
        for name, endpoints in self._endpoints.items():
            if any(outside_endpoint(network, endpoint) for endpoint in endpoints):
                self._endpoints[name] = tuple(
                    replace(endpoint, pipe=network.outside_socket(endpoint.address, endpoint.port))
                    if outside_endpoint(network, endpoint)
                    else endpoint
                    for endpoint in endpoints
                )

    def _authentications(self, tables: Mapping[str, RouteTable]) -> Iterator[Authentication]:
        """What tokens are asked for, by rows and at each port of the gateways."""
        yield self._tokens.of_rows(tables.values())
        for port, servers in served(self._world).items():
            selectors = [gateway.spec.selector for gateway, _ in servers]
            yield self._tokens.of_gateway(gateway_name(port), selectors)

    def _add_clusters(self) -> None:
        for known in (*self._directory.services, *self._directory.entries):
            for view, rules in self._views.of(known).items():
                # Who may call depends on the labels of any pod, endpoints on those of the Service's own.
                ruled = self._policies or self._tokens
                pods = self._world.workloads if ruled else self._directory.pods_of(known)
                inputs = (known, tuple(rules), pods)
                made = self._memory.keep(
                    ("clusters", known.host, known.entry is None, view),
                    inputs,
                    lambda known=known, rules=rules, view=view: tuple(self._made(known, rules, view)),  # type: ignore[misc]
                )
                for cluster, endpoints in made:
                    self._clusters[cluster.name] = cluster
                    self._endpoints[cluster.name] = endpoints
        self._branches.add_clusters(self._clusters, self._endpoints)

    def _made(
        self, known: Known, rules: Sequence[DestinationRule], view: str
    ) -> Iterator[tuple[Cluster, tuple[Endpoint, ...]]]:
        return clusters_of(known, rules, self._directory, self._policies, self._tokens, self._world.secrets, view)

    def _resolved(self, host: str, namespace: str) -> str:
        """A rule's host as a Service's full name where it is one, in whatever short form it was written."""
        full = resolve(host, namespace)
        known = self._directory.service(full)
        return known.host if known is not None else full

    def chains(self, port: int, servers: Sequence[tuple[Gateway, Server]]) -> tuple[FilterChain, ...]:
        """What a gateway's port that is not plain HTTP does; see `mesh.routing.virtual_service.tls`."""
        cluster_for = self._cluster_for(port, servers[0][0].metadata.namespace)
        return chains_of(port, servers, self._world, cluster_for.always)

    def shares(self, known: Known, port: int) -> tuple[tuple[WeightedCluster, ...], tuple[Ref, ...]]:
        """Where the `tcp` routes of rules send a Service's connections."""
        rules = exported(self._by_host.get(known.host, ()), known.namespace)
        return mesh_shares(rules, port, self._cluster_for(port, known.namespace).always) if rules else ((), ())

    def _cluster_for(self, port: int, namespace: str) -> "_ClusterFor":
        """Names clusters as a namespace sees them."""
        return _ClusterFor(self._directory, port, self._clusters, self._endpoints, self._views, namespace)

    def _place(self, gateway: str, namespace: str, port: int, labels: Mapping[str, str], here: int) -> Place:
        cluster_for = self._cluster_for(port, namespace)
        return Place(gateway, namespace, port, cluster_for, labels, cluster_for.nobody, here, lambda: cluster_for.asked)

    def _sidecar_hosts(self, namespace: str) -> Iterator[VirtualHost]:
        """All that a pod of this namespace can call by name."""
        named: set[str] = set()
        for known in self._directory.services:
            if not self._egress.sees(namespace, known.host, known.namespace):
                continue
            for port in known.service.spec.ports:
                names = aliases(known.name, known.namespace, namespace)
                domains = [f"{name}:{port.port}" for name in names]
                domains += names if port.port == 80 else ()
                named.update(domains)
                yield self._service_host(known, port, namespace, tuple(domains))
        for known in self._directory.entries:
            if known.entry is None or not is_shown(known.entry.spec.export_to, known.namespace, namespace):
                continue
            if not self._egress.sees(namespace, known.host, known.namespace):
                continue
            for port in known.service.spec.ports:
                domains = [f"{known.host}:{port.port}"] + ([known.host] if port.port == 80 else [])
                if may_be_http(port) and (found := [each for each in domains if each not in named]):
                    named.update(found)
                    yield self._service_host(known, port, namespace, tuple(found))
        for host, rules in sorted(self._by_host.items()):
            if self._directory.service(host) is None:
                domains = [each for each in (host, f"{host}:80") if each not in named]
                named.update(domains)
                if domains and (seen := self._seen(host, rules, namespace)):
                    yield self._virtual_host(host, tuple(domains), seen, self._mesh(namespace, 80))
        for host in dict.fromkeys(host for host, _ in self._wild):
            if host not in named:
                seen = self._seen(host, [rule for pattern, rule in self._wild if pattern == host], namespace)
                if seen:
                    yield self._virtual_host(host, (host,), seen, self._mesh(namespace, 80))
        for namespace_of, service, port in self._branches.own_hosts():
            names = aliases(service, namespace_of, namespace)
            domains = [f"{name}:{port.port}" for name in names] + [name for name in names if port.port == 80]
            if found := [each for each in domains if each not in named]:
                named.update(found)
                own = service_host(service, namespace_of)
                overrides = self._branches.own_overrides(own, port.port)
                yield VirtualHost(f"{own}:{port.port}", tuple(found), (UNKNOWN,), overrides=overrides)
        yield from self._gateways_themselves(namespace)
        yield self._everything_else(namespace)

    def _everything_else(self, namespace: str) -> VirtualHost:
        """The host for requests that name none of the others."""
        if self._captures is not None:
            rows = self._captures.fallback(namespace, UNKNOWN)
            return VirtualHost("unknown", ("*",), rows, by_destination=self._captures.by_destination(namespace))
        if self._egress.calls_any_host(namespace):
            self._clusters[PASSTHROUGH] = Cluster(PASSTHROUGH, passthrough=True)
            self._endpoints[PASSTHROUGH] = ()
            action = Forward((WeightedCluster(PASSTHROUGH),), retry=DEFAULT_RETRY)
            return VirtualHost("allow_any", ("*",), (Route("allow_any", Match(), action),))
        return VirtualHost("unknown", ("*",), (UNKNOWN,))

    def _seen(self, host: str, rules: Sequence[VirtualService], namespace: str) -> list[VirtualService]:
        """The rules of a host that is no Service's, as far as a namespace sees them."""
        shown = exported(rules, namespace)
        return [rule for rule in shown if self._egress.sees(namespace, host, rule.metadata.namespace)]

    def _mesh(self, namespace: str, port: int) -> Place:
        return self._place(MESH, namespace, port, {}, port)

    def _service_host(self, known: Known, port: ServicePort, namespace: str, domains: tuple[str, ...]) -> VirtualHost:
        """A Service's host as a namespace sees it; the same for its pods and for its own address."""
        key = (known.host, port.port, namespace)
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = self._built_host(known, port, namespace, domains)
        if host.domains == domains:
            return host
        return self._memory.keep(("renamed", *key, domains), host, lambda: replace(host, domains=domains))

    def _built_host(self, known: Known, port: ServicePort, namespace: str, domains: tuple[str, ...]) -> VirtualHost:
        rules = exported(self._by_host.get(known.host, ()), namespace)
        if not rules:
            wild = (rule for host, rule in self._wild if covers(host, known.host))
            rules = exported(wild, namespace)[:1]
        name = f"{known.host}:{port.port}"
        place = self._mesh(namespace, port.port)
        after: tuple[Route, ...] = (_plain(known, port, self._views.view(known.host, namespace)),) if not rules else ()
        if known.entry is None and (routes := self._api.of_service(known.namespace, known.name, port.port, namespace)):
            after = rows_of(routes, self._api, Where(place, "http", {}))
        host = self._merged_host(name, domains, rules, place, after, known.ref)
        return self._overridden(
            host, namespace, self._branches.overrides(known.host, port.port, forwarded(host.routes))
        )

    def _overridden(self, host: VirtualHost, namespace: str, overrides: tuple[BranchOverride, ...]) -> VirtualHost:
        """A host with what branches do there."""
        if not overrides:
            return host
        key = ("overridden", host.name, namespace, host.domains)
        return self._memory.keep(key, (host, overrides), lambda: replace(host, overrides=overrides))

    def _virtual_host(
        self, name: str, domains: tuple[str, ...], rules: Sequence[VirtualService], place: Place
    ) -> VirtualHost:
        """A host that is no Service's."""
        host = self._merged_host(name, domains, rules, place, ())
        return self._overridden(host, place.namespace, self._branches.overrides_by_destination(forwarded(host.routes)))

    def _merged_host(
        self,
        name: str,
        domains: tuple[str, ...],
        rules: Sequence[VirtualService],
        place: Place,
        after: tuple[Route, ...],
        *origins: Ref,
    ) -> VirtualHost:
        """Several rules for one host merge: older before younger, and rows that take every request last."""
        delegating = any(route.delegate is not None for rule in rules for route in rule.spec.http)
        inputs = (tuple(rules), after, self._delegates if delegating else None)
        key = (name, place.namespace, domains)
        seen = self._memory.keep(("rows", *key), inputs, lambda: self._expanded(rules, place, after))
        for cluster, by in seen.asked:
            if cluster not in self._clusters:
                self._clusters[cluster], self._endpoints[cluster] = Cluster(cluster, origins=by), ()
        to = tuple(map(self._clusters.__getitem__, seen.to))

        def made() -> VirtualHost:
            routes = finished(seen.rows, self._clusters)
            named = dict.fromkeys((*origins, *(origin for row in routes for origin in row.origins)))
            return VirtualHost(name, domains, routes, tuple(named))

        return self._memory.keep(("host", *key), (seen, to, origins), made)

    def _expanded(self, rules: Sequence[VirtualService], place: Place, after: tuple[Route, ...]) -> "_Expanded":
        found = [row for rule in rules for row in rows(rule, place, self._delegates)]
        if len(rules) > 1:
            found.sort(key=lambda row: row.match == Match())
        seen = tuple(self._views.for_workloads((*found, *after), place.namespace))
        # A rule for some pods alone may say nothing of a subset that rows name.
        asked = dict.fromkeys((*place.asked(), *((each, ()) for each in named_by(seen))))
        return _Expanded(seen, tuple(asked), forwarded(seen))

    def _gateway_tables(self, entries: Entries) -> Iterator[RouteTable]:
        """One table a port, for all Gateways that serve it; a host's rules merge, older first."""
        clusters = GatewayClusters(self._clusters, self._endpoints)
        for port, servers in served(self._world).items():
            hosts: dict[str, list[tuple[VirtualService, Place]]] = defaultdict(list)
            moved: dict[str, Ref] = {}
            for gateway, server in servers:
                if not speaks_http(server):
                    continue
                if server.tls is not None and server.tls.https_redirect:
                    names = (host.rpartition("/")[2] for host in server.hosts)
                    moved.update(dict.fromkeys(names, ref_of(gateway)))
                    continue
                if is_api(gateway):
                    continue
                named = f"{gateway.metadata.namespace}/{gateway.metadata.name}"
                here = self._settings.ports.get(port, port)
                place = self._place(named, gateway.metadata.namespace, port, gateway.spec.selector, here)
                for rule in exported(self._world.virtual_services, gateway.metadata.namespace):
                    for host in _shared_hosts(rule, named, server.hosts, gateway.metadata.namespace):
                        if all(rule is not other for other, _ in hosts[host]):
                            hosts[host].append((rule, place))
            attached = self._api.at_port(port)
            built = [
                self._gateway_host(host, port, hosts[host], self._attached_rows(attached.get(host, ()), port, servers))
                for host in sorted({*hosts, *attached}, key=lambda host: (*specificity(host), host))
                if host not in moved
            ]
            built += [self._redirected(host, port, gateway) for host, gateway in sorted(moved.items())]
            hosts_of_port = (clusters.replaced(host) for host in self._with_previews(built, port))
            yield RouteTable(gateway_name(port), tuple(hosts_of_port), entries)

    def _with_previews(self, hosts: Sequence[VirtualHost], port: int) -> Iterator[VirtualHost]:
        """Where no host of a gateway takes the branches' preview addresses, the first one does."""
        domains = {domain for host in hosts for domain in host.domains}
        preview = f"*.{PREVIEW_DOMAIN}"
        for number, host in enumerate(hosts):
            if number == 0 and self._branches.all and not {"*", preview} & domains:
                more = (preview, f"{preview}:{self._settings.ports.get(port, port)}")
                yield replace(host, domains=(*host.domains, *more))
            else:
                yield host

    def _redirected(self, host: str, port: int, gateway: Ref) -> VirtualHost:
        """A host whose plain requests are sent to HTTPS (Istio's httpsRedirect), where that is served here."""
        there = (port for port, servers in served(self._world).items() if any(is_encrypted(s) for _, s in servers))
        encrypted = next(there, 443)
        action = Redirect(301, scheme="https", port=self._settings.ports.get(encrypted, encrypted))
        row = Route("httpsRedirect", Match(), action, origins=(gateway,))
        return VirtualHost(f"{host}:{port}", self._gateway_domains(host, port), (row,), (gateway,))

    def _gateway_domains(self, host: str, port: int) -> tuple[str, ...]:
        """A host with and without a port; Envoy takes a wildcard on one side alone."""
        if not host.startswith("*"):
            return (host, f"{host}:*")
        numbers = dict.fromkeys((port, self._settings.ports.get(port, port))) if host != "*" else ()
        return (host, *(f"{host}:{each}" for each in numbers))

    def _attached_rows(
        self, routes: Sequence[AnyRoute], port: int, servers: Sequence[tuple[Gateway, Server]]
    ) -> tuple[Route, ...]:
        """The rows of the Gateway API's routes for one host at a gateway's port."""
        if not routes:
            return ()
        here = self._settings.ports.get(port, port)
        place = self._place("", routes[0].metadata.namespace, port, SELECTOR, here)
        scheme = "https" if any(is_encrypted(server) for _, server in servers) else "http"
        found = rows_of(routes, self._api, Where(place, scheme, self._settings.ports))
        access = self._policies.of_gateway(SELECTOR, {port, here}) if self._policies else None
        if access is None:
            return found
        return tuple(replace(row, access=(access,), origins=(*row.origins, *access.origins)) for row in found)

    def _gateway_host(
        self,
        host: str,
        port: int,
        bound: Sequence[tuple[VirtualService, Place]],
        after: tuple[Route, ...] = (),
    ) -> VirtualHost:
        found = [
            row if access is None else replace(row, access=(access,), origins=(*row.origins, *access.origins))
            for rule, place in bound
            for access in (
                self._policies.of_gateway(place.labels, {place.port, place.here}) if self._policies else None,
            )
            for row in rows(rule, place, self._delegates)
        ]
        if len(bound) > 1:
            found.sort(key=lambda row: row.match == Match())
        found += after
        found = list(finished(found, self._clusters))
        domains = self._gateway_domains(host, port)
        origins = dict.fromkeys(origin for row in found for origin in row.origins)
        overrides = self._branches.overrides_by_destination(forwarded(found))
        return VirtualHost(f"{host}:{port}", domains, tuple(found), tuple(origins), overrides)

    def _service_tables(self, entries: Entries) -> Iterator[RouteTable]:
        """Tables of the listeners that stand for one Service: its ClusterIP (rules apply), its NodePort
        (as on a cluster, where no rule stands between the node and the pod)."""
        for known in self._directory.services:
            for port in known.service.spec.ports:
                suffix = f"{known.host}|{port.port}"
                if self._captures is None:
                    host = self._service_host(known, port, known.namespace, ("*",))
                    table = partial(RouteTable, f"clusterip|{suffix}", (host,))
                    yield self._memory.keep(("alone", suffix), host, table)
                if port.node_port:
                    (route,) = finished((_plain(known, port),), self._clusters)
                    plain = VirtualHost(
                        f"{known.host}:{port.port}",
                        ("*",),
                        (route,),
                        (known.ref,),
                        self._branches.overrides(known.host, port.port, forwarded((route,))),
                    )
                    yield RouteTable(f"nodeport|{suffix}", (plain,), entries)

    def _gateways_themselves(self, namespace: str) -> Iterator[VirtualHost]:
        """The gateways by their address, for the programs that are no pods: where there are branches, they call
        through a listener that asks the table of the namespace."""
        settings = self._settings
        if not settings.developer_subnet or namespace not in self._branches.namespaces:
            return
        if self._captures is not None:
            # The gateways are outside of the mesh's network.
            return
        for port in served(self._world):
            here = settings.ports.get(port, port)
            name = f"gateway-itself|{here}"
            self._clusters[name] = Cluster(name)
            self._endpoints[name] = (Endpoint(settings.gateway_address, here),)
            hosts = dict.fromkeys((settings.gateway_address, "127.0.0.1", "localhost", f"*.{PREVIEW_DOMAIN}"))
            domains = tuple(f"{host}:{here}" for host in hosts) + (tuple(hosts) if here == 80 else ())
            route = Route("gateway", Match(), Forward((WeightedCluster(name),)))
            yield VirtualHost(name, domains, (route,))


class _Expanded(NamedTuple):
    """Rows without what their destinations ask; `asked` are the clusters that must be there, with the objects behind
    those that no Service stands for, `to` the clusters that the rows send to."""

    rows: tuple[Route, ...]
    asked: tuple[tuple[str, tuple[Ref, ...]], ...]
    to: tuple[str, ...]


def exported(rules: Iterable[VirtualService], namespace: str) -> list[VirtualService]:
    """The rules that a namespace sees by their `exportTo`; none said is everybody."""
    return [rule for rule in rules if not rule.spec.export_to or _shows(rule, namespace)]


def _shows(rule: VirtualService, namespace: str) -> bool:
    return is_shown(rule.spec.export_to, rule.metadata.namespace, namespace)


def finished(routes: Sequence[Route], clusters: Mapping[str, Cluster]) -> tuple[Route, ...]:
    """Rows with what their destinations ask of them: what consistent hashes are taken of, and who may call."""
    found = []
    for route in routes:
        row, action = route, route.action
        if isinstance(action, Forward):
            to = [clusters[each.cluster] for each in action.to if each.cluster in clusters]
            if hash_on := tuple(dict.fromkeys(each.hash_on for each in to if each.hash_on is not None)):
                row = replace(row, action=replace(action, hash_on=hash_on))
            if access := tuple(dict.fromkeys(each.access for each in to if each.access is not None)):
                access = (*row.access, *access)
                origins = dict.fromkeys((*row.origins, *(ref for each in access for ref in each.origins)))
                row = replace(row, access=access, origins=tuple(origins))
            if asked := tuple(dict.fromkeys(name for each in to for name in each.authentication)):
                row = replace(row, authentication=asked)
        found.append(row)
    return tuple(found)


def named_by(routes: Iterable[Route]) -> tuple[str, ...]:
    """The clusters that rows send or copy requests to, each once."""
    actions = [route.action for route in routes if isinstance(route.action, Forward)]
    copied = (cluster for action in actions for cluster, _ in action.mirrors)
    return tuple(dict.fromkeys((*(each.cluster for action in actions for each in action.to), *copied)))


def forwarded(routes: Sequence[Route]) -> tuple[str, ...]:
    """The clusters that rows send to, each once."""
    actions = [route.action for route in routes if isinstance(route.action, Forward)]
    return tuple(dict.fromkeys(each.cluster for action in actions for each in action.to))


class _ClusterFor:
    """Names a destination's cluster. A subset that is not there is a cluster without endpoints."""

    def __init__(
        self,
        directory: Directory,
        port: int,
        clusters: dict[str, Cluster],
        endpoints: dict[str, tuple[Endpoint, ...]],
        views: Views,
        namespace: str,
    ) -> None:
        self._views = views
        self._namespace = namespace
        self._directory = directory
        self._port = port
        self._clusters = clusters
        self._endpoints = endpoints
        self.asked: dict[tuple[str, tuple[Ref, ...]], None] = {}

    def __call__(self, destination: Destination, namespace: str) -> str | None:
        known = self._directory.service(resolve(destination.host, namespace))
        if known is None:
            return None
        ports = known.service.spec.ports
        number = self._port
        if destination.port is not None:
            number = destination.port.number
        elif len(ports) == 1:
            number = ports[0].port
        view = self._views.view(known.host, self._namespace)
        return self._named(cluster_name(number, destination.subset, known.host, view), known.ref)

    def always(self, destination: Destination, namespace: str) -> str:
        """A cluster in any case, without endpoints where there is no such Service."""
        return self(destination, namespace) or self.nobody(destination, namespace)

    def nobody(self, destination: Destination, namespace: str) -> str:
        """The cluster of a Service that is missing: its share of the requests gets 503, the others theirs."""
        number = destination.port.number if destination.port is not None else self._port
        return self._named(cluster_name(number, destination.subset, resolve(destination.host, namespace)))

    def _named(self, name: str, *origins: Ref) -> str:
        self.asked[name, origins] = None
        if name not in self._clusters:
            self._clusters[name] = Cluster(name, origins=origins)
            self._endpoints[name] = ()
        return name


def _plain(known: Known, port: ServicePort, view: str = EVERYBODY) -> Route:
    """What a Service does without any rule: all of its ready pods, with Istio's default retries."""
    name = cluster_name(port.port, "", known.host, view)
    action = Forward((WeightedCluster(name),), retry=DEFAULT_RETRY)
    return Route("default", Match(), action, origins=(known.ref,))


def _shared_hosts(
    rule: VirtualService, gateway: str, served_hosts: Sequence[str], gateway_namespace: str
) -> Iterator[str]:
    """The hosts of a rule that a Gateway's server serves: the narrower of each pair that overlaps."""
    namespace = rule.metadata.namespace
    bound = {each if "/" in each else f"{namespace}/{each}" for each in rule.spec.gateways}
    if gateway not in bound:
        return
    for wanted in rule.spec.hosts:
        for each in served_hosts:
            scope, _, host = each.rpartition("/")
            scope = gateway_namespace if scope == "." else scope
            if scope not in ("", "*", namespace):
                continue
            if covers(host, wanted):
                yield wanted
            elif covers(wanted, host):
                yield host
