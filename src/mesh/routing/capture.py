"""What is decided by where a captured connection was going: TCP, TLS, pods by their IP, what leaves the mesh. Pure.

HTTP asks a table by the host that a request names, as with Istio. What names no known host is decided here too: by the
address of a Service it has that Service's rules, by a pod's IP it passes straight, held to the pod's policies.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mesh.resources.core.service import ServicePort
from mesh.resources.meshmall.branch import branch_of
from mesh.resources.values.meta import ref_of
from mesh.routing.context import Context
from mesh.routing.destinations.directory import MeshService
from mesh.routing.destinations.protocol import Wire, wire_of
from mesh.routing.destinations.views import cluster_name, is_shown
from mesh.routing.direct_calls import DirectCalls
from mesh.routing.model.cluster import Cluster, Endpoint, Group
from mesh.routing.model.match import Match, MatchKind, Pattern
from mesh.routing.model.route import Forward, Route, WeightedCluster
from mesh.routing.model.transparent import BLACK_HOLE, DIRECT, EGRESS, Capture, TcpRoute
from mesh.routing.network import NamespaceNetwork
from mesh.routing.security.connections import Caller, may_connect
from mesh.routing.virtual_service.tls import mesh_shares, mesh_tls_routes
from mesh.routing.world import MeshPod

# What may come to a port that is no HTTP.
BYTES = frozenset((Wire.TCP, Wire.TLS, Wire.DETECT))


class Captures:
    """What the pods of each namespace, and of each branch in it, reach by address."""

    def __init__(self, network: NamespaceNetwork, context: Context) -> None:
        self._network = network
        self._of = context
        self._captures: dict[tuple[str, str, Caller], Capture] = {}
        self._direct = DirectCalls(network, context)

    def capture(self, pod: MeshPod) -> Capture:
        """What a pod's listener does with bytes; a branch's own pods reach the branch's services."""
        branch, caller = branch_of(pod.labels), self._caller(pod)
        key = (pod.namespace, branch, caller)
        if key not in self._captures:
            self._captures[key] = self._remembered(key)
        return self._captures[key]

    def _remembered(self, key: tuple[str, str, Caller]) -> Capture:
        """The same object as the last time when nothing differs: there is one for each pod to be compared."""
        namespace, branch, caller = key
        memory = self._of.memory
        if not branch:
            capture = self._for_everybody(namespace, caller)
            return memory.keep(("capture", *key), capture, lambda: capture)
        baseline_key = (namespace, "", caller)
        if baseline_key not in self._captures:
            self._captures[baseline_key] = self._remembered(baseline_key)
        baseline = self._captures[baseline_key]
        clusters = self._of.branches.clusters_of(branch)
        headless = tuple(self._headless(clusters))
        return memory.keep(
            ("capture", *key),
            (baseline, clusters, headless),
            lambda: self._for_branch(baseline, namespace, clusters, caller),
        )

    def _headless(self, clusters: Mapping[tuple[str, int], str]) -> Iterator[tuple[str, ...]]:
        """The baseline's pods that headless names lead to, of the services that a branch changes."""
        for host, number in clusters:
            service = self._of.directory.service(host)
            if service is not None and service.spec.cluster_ip == "None":
                for port in service.spec.ports:
                    if port.port == number:
                        yield self._baseline_pods(service, port)

    def _caller(self, pod: MeshPod) -> Caller:
        """As much of a pod as policies ask for, so that few of them differ."""
        if not self._of.policies:
            return Caller("", "", "")
        caller = Caller.of(pod)
        return caller if self._of.policies.ask_for_addresses else replace(caller, ip="")

    def _for_everybody(self, namespace: str, caller: Caller) -> Capture:
        routes = {route.name: route for route in self._by_name(namespace, caller)}
        ports: dict[Wire, set[int]] = defaultdict(set)
        for service in self._visible(namespace):
            for port in service.spec.ports:
                wire = wire_of(port)
                ports[wire] |= {port.port, port.node_port} - {0}
                if wire in BYTES and (places := self._places(service, port)):
                    route = self._tcp(service, port, namespace, caller, places)
                    # Of two ServiceEntries for one host the older counts.
                    routes.setdefault(route.name, route)
        http = ports[Wire.HTTP] | ports[Wire.HTTP2]
        return Capture(
            pod_prefix=self._network.pod_prefix,
            reserved=self._reserved,
            routes=tuple(routes.values()),
            refusals=tuple(self._direct.refusals(caller)),
            uninspected=tuple(sorted(ports[Wire.TCP] - http - ports[Wire.DETECT] - ports[Wire.TLS])),
            http_ports=tuple(sorted(http - ports[Wire.TCP] - ports[Wire.DETECT] - ports[Wire.TLS])),
            any_host=self._of.egress.calls_any_host(namespace),
        )

    def _for_branch(
        self, capture: Capture, namespace: str, clusters: Mapping[tuple[str, int], str], caller: Caller
    ) -> Capture:
        """The same with the branch's own clusters in place of those that it changes."""
        routes = {route.name: route for route in capture.routes}
        for (host, number), cluster in clusters.items():
            service = self._of.directory.service(host)
            port = service.port(number) if service is not None else None
            if service is None or port is None or wire_of(port) not in BYTES:
                continue
            name = _tcp_name(host, number)
            if name not in routes and (places := self._baseline_pods(service, port)):
                routes[name] = self._tcp(service, port, namespace, caller, places)
            if name in routes:
                # "" is a change that is not ready: nobody may answer in its place.
                to = self._permitted((WeightedCluster(cluster or BLACK_HOLE),), caller)
                routes[name] = replace(routes[name], to=to)
        return replace(capture, routes=tuple(routes.values()))

    def _baseline_pods(self, service: MeshService, port: ServicePort) -> tuple[str, ...]:
        """A headless name leads to the baseline's pods; what the branch has in their place must be reached by them."""
        endpoints = self._of.endpoints.get(cluster_name(port.port, "", service.host), ())
        return tuple(f"{endpoint.address}:{endpoint.port}" for endpoint in endpoints)

    def _visible(self, namespace: str) -> Iterator[MeshService]:
        """The Services and ServiceEntries that pods of a namespace can call."""
        for service in self._of.directory.services:
            if self._of.egress.sees(namespace, service.host, service.namespace):
                yield service
        for service in self._of.directory.entries:
            assert service.entry is not None
            shown = is_shown(service.entry.spec.export_to, service.namespace, namespace)
            if shown and self._of.egress.sees(namespace, service.host, service.namespace):
                yield service

    def _places(self, service: MeshService, port: ServicePort) -> tuple[str, ...]:
        """The addresses with ports by which a Service's port is reached, other than its pods' own."""
        if service.entry is not None:
            # A name that is resolved has the addresses that its clients find, too.
            listed = [address for address in service.entry.spec.addresses if "/" not in address]
            resolved = self._of.directory.addresses_of(service.entry, service.host)
            return tuple(dict.fromkeys(f"{address}:{port.port}" for address in (*listed, *resolved)))
        spec = service.spec
        places = [f"{spec.cluster_ip}:{port.port}"] if spec.cluster_ip not in ("", "None") else []
        if port.node_port:
            places += [f"{address}:{port.node_port}" for address in self._network.node_addresses]
        return tuple(places)

    def _tcp(
        self, service: MeshService, port: ServicePort, namespace: str, caller: Caller, places: tuple[str, ...]
    ) -> TcpRoute:
        rules = self._of.rules(service.host, namespace)
        to, by = mesh_shares(rules, port.port, self._of.cluster_of(port.port, namespace)) if rules else ((), ())
        if not to:
            view = self._of.views.view(service.host, namespace)
            to = (WeightedCluster(cluster_name(port.port, "", service.host, view)),)
        return TcpRoute(
            name=_tcp_name(service.host, port.port),
            to=self._permitted(to, caller),
            places=places,
            declared=wire_of(port) is Wire.TCP,
            origins=(service.ref, *by),
        )

    def _by_name(self, namespace: str, caller: Caller) -> Iterator[TcpRoute]:
        """TLS by the name that a client asks for: the `tls` routes of rules, then ServiceEntries that speak TLS."""
        for number, rule in enumerate(self._of.world.virtual_services):
            if rule.spec.tls and is_shown(rule.spec.export_to, rule.metadata.namespace, namespace):
                for index, (names, number_of_port, routes) in enumerate(mesh_tls_routes(rule)):
                    cluster_of = self._of.cluster_of(number_of_port or 443, namespace)
                    to = tuple(
                        WeightedCluster(cluster_of(share.destination, rule.metadata.namespace), share.weight or 100)
                        for share in routes
                    )
                    name = f"tls|{number}.{index}|{rule.metadata.namespace}/{rule.metadata.name}"
                    origins = (ref_of(rule),)
                    yield TcpRoute(name, self._permitted(to, caller), (), names, number_of_port, origins=origins)
        for service in self._visible(namespace):
            for port in service.spec.ports:
                if wire_of(port) is Wire.TLS and service.entry is not None:
                    # A wildcard has no addresses: it goes where the client has found it.
                    cluster = EGRESS if service.host.startswith("*") else cluster_name(port.port, "", service.host)
                    to = (WeightedCluster(cluster),)
                    name = f"tls|{port.port}|{service.host}"
                    yield TcpRoute(name, to, (), (service.host,), port.port, origins=(service.ref,))

    def _permitted(self, to: tuple[WeightedCluster, ...], caller: Caller) -> tuple[WeightedCluster, ...]:
        """The destinations, or nowhere when one of them may not be reached."""
        clusters = (self._of.clusters.get(share.cluster) for share in to)
        layers = (cluster.access for cluster in clusters if cluster is not None and cluster.access is not None)
        return to if all(may_connect(layer, caller) for layer in layers) else (WeightedCluster(BLACK_HOLE),)

    def by_destination(self, namespace: str) -> tuple[tuple[str, str], ...]:
        """The host, as the namespace's table has it, behind each address where HTTP is served."""
        pairs: dict[str, str] = {}
        for service in self._visible(namespace):
            for port in service.spec.ports:
                if wire_of(port) in (Wire.HTTP, Wire.HTTP2, Wire.DETECT) and not service.host.startswith("*"):
                    for place in self._places(service, port):
                        pairs.setdefault(place, f"{service.host}:{port.port}")
        return tuple(pairs.items())

    def fallback(self, namespace: str, unknown: Route) -> tuple[Route, ...]:
        """The rows for requests that name no host of the mesh and go to no Service's address. `unknown` refuses."""
        reserved = "|".join(f"{re.escape(place)}{'' if ':' in place else ':.*'}" for place in self._reserved)
        out = Forward((WeightedCluster(EGRESS),))
        rows = [Route("outside", Match(destination=Pattern(MatchKind.REGEX, reserved)), out), *self._direct.rows()]
        if self._of.egress.calls_any_host(namespace):
            rows.append(Route("allow_any", Match(destination=Pattern(MatchKind.REGEX, ".+")), out))
        return (*rows, unknown)

    @property
    def _reserved(self) -> tuple[str, ...]:
        return (self._network.host, self._network.api)


def _tcp_name(host: str, port: int) -> str:
    return f"tcp|{port}|{host}"


def network_groups(network: NamespaceNetwork | None) -> tuple[Group, ...]:
    """The clusters that connections of captured pods go to by destination; none where nothing is captured."""
    if network is None:
        return ()
    return (
        (Cluster(DIRECT, original_destination=True, detected=True), ()),
        (Cluster(EGRESS, egress_socket=network.egress_socket, detected=True), ()),
        (Cluster(BLACK_HOLE), ()),
    )


def outside_endpoint(network: NamespaceNetwork, endpoint: Endpoint) -> bool:
    """Whether an endpoint is reached by the edge alone: it is no pod's."""
    return not endpoint.pipe and not endpoint.address.startswith(network.pod_prefix)
