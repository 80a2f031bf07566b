"""What is decided by where a captured connection was going: TCP, TLS, pods by their IP, what leaves the mesh. Pure.

HTTP asks a table by the host that a request names, as with Istio. What names no known host is decided here too: by the
address of a Service it has that Service's rules, by a pod's IP it passes straight, held to the pod's policies.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from mesh.resources.core.service import ServicePort
from mesh.resources.meshmall.branch import branch_of
from mesh.resources.values.meta import ref_of
from mesh.routing.context import Context
from mesh.routing.destinations.directory import MeshService
from mesh.routing.destinations.protocol import Wire, wire_of
from mesh.routing.destinations.views import cluster_name, is_shown
from mesh.routing.model.cluster import Cluster, Endpoint, Group
from mesh.routing.model.match import Match, MatchKind, Pattern
from mesh.routing.model.route import Forward, Route, WeightedCluster
from mesh.routing.model.security import Access, Requirement
from mesh.routing.model.transparent import BLACK_HOLE, DIRECT, EGRESS, Capture, Refusal, TcpRoute
from mesh.routing.network import NamespaceNetwork
from mesh.routing.security.connections import Caller, may_connect
from mesh.routing.virtual_service.tls import mesh_shares, mesh_tls_routes
from mesh.routing.world import MeshPod

# A port that no policy names stands for all that none does.
ANY_PORT = 0


class Captures:
    """What the pods of each namespace, and of each branch in it, reach by address."""

    def __init__(self, network: NamespaceNetwork, context: Context) -> None:
        self._network = network
        self._of = context
        self._captures: dict[tuple[str, str, Caller | None], Capture] = {}
        self._groups = _guarded(context) if context.policies or context.tokens else {}

    def capture(self, pod: MeshPod) -> Capture:
        """What a pod's listener does with bytes; a branch's own pods reach the branch's services."""
        branch, caller = branch_of(pod.labels), Caller.of(pod)
        # Without policies all pods of a namespace and branch may do the same.
        key = (pod.namespace, branch, caller if self._of.policies else None)
        capture = self._captures.get(key)
        if capture is None:
            capture = self._captures[key] = self._capture(pod.namespace, branch, caller)
        return capture

    def _capture(self, namespace: str, branch: str, caller: Caller) -> Capture:
        routes = {route.name: route for route in self._by_name(namespace, caller)}
        ports: dict[Wire, set[int]] = defaultdict(set)
        for service in self._visible(namespace):
            for port in service.spec.ports:
                wire = wire_of(port)
                ports[wire] |= {port.port, port.node_port} - {0}
                if wire in (Wire.TCP, Wire.TLS, Wire.DETECT) and (places := self._places(service, port, branch)):
                    route = self._tcp(service, port, namespace, branch, caller, places)
                    # Of two ServiceEntries for one host the older counts.
                    routes.setdefault(route.name, route)
        http = ports[Wire.HTTP] | ports[Wire.HTTP2]
        return Capture(
            pod_prefix=self._network.pod_prefix,
            reserved=self._reserved,
            routes=tuple(routes.values()),
            refusals=tuple(self._refusals(caller)),
            uninspected=tuple(sorted(ports[Wire.TCP] - http - ports[Wire.DETECT] - ports[Wire.TLS])),
            http_ports=tuple(sorted(http - ports[Wire.TCP] - ports[Wire.DETECT] - ports[Wire.TLS])),
            any_host=self._of.egress.calls_any_host(namespace),
        )

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

    def _places(self, service: MeshService, port: ServicePort, branch: str = "") -> tuple[str, ...]:
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
        if spec.cluster_ip == "None" and branch and self._of.branches.cluster_for(branch, service.host, port.port):
            # A headless name leads to the baseline's pods; what the branch has in their place must be reached by them.
            endpoints = self._of.endpoints.get(cluster_name(port.port, "", service.host), ())
            places += [f"{endpoint.address}:{endpoint.port}" for endpoint in endpoints]
        return tuple(places)

    def _tcp(
        self,
        service: MeshService,
        port: ServicePort,
        namespace: str,
        branch: str,
        caller: Caller,
        places: tuple[str, ...],
    ) -> TcpRoute:
        rules = self._of.rules(service.host, namespace)
        to, by = mesh_shares(rules, port.port, self._of.cluster_of(port.port, namespace)) if rules else ((), ())
        if not to:
            view = self._of.views.view(service.host, namespace)
            to = (WeightedCluster(cluster_name(port.port, "", service.host, view)),)
        target = self._of.branches.cluster_for(branch, service.host, port.port) if branch else None
        if target is not None:
            # "" is a change that is not ready: nobody may answer in its place.
            to = (WeightedCluster(target or BLACK_HOLE),)
        return TcpRoute(
            name=f"tcp|{port.port}|{service.host}",
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

    def _refusals(self, caller: Caller) -> Iterator[Refusal]:
        """The pods that a caller may send no bytes to."""
        for (accesses, _), addresses in self._groups.items():
            permitted = {port: access is None or may_connect(access, caller) for port, access in accesses}
            by_default = permitted.pop(ANY_PORT)
            refused = tuple(port for port, may in permitted.items() if not may)
            if not by_default:
                yield Refusal(tuple(addresses), (), tuple(port for port, may in permitted.items() if may))
            elif refused:
                yield Refusal(tuple(addresses), refused)

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
        """The rows for requests that name no service host and go to no Service's address. `unknown` refuses."""
        reserved = "|".join(f"{re.escape(place)}{'' if ':' in place else ':.*'}" for place in self._reserved)
        out = Forward((WeightedCluster(EGRESS),))
        direct = Forward((WeightedCluster(DIRECT),))
        rows = [Route("outside", Match(destination=Pattern(MatchKind.REGEX, reserved)), out)]
        for (accesses, asked), addresses in self._groups.items():
            pods = "|".join(re.escape(address) for address in addresses)
            named = [port for port, _ in accesses if port != ANY_PORT]
            for port, access in accesses:
                # Rows of ports come first: the last one is for all others.
                place = rf"({pods}):{port if port in named else '.*'}"
                rows.append(
                    Route(
                        "pod",
                        Match(destination=Pattern(MatchKind.REGEX, place)),
                        direct,
                        access=(access,) if access is not None else (),
                        authentication=asked,
                        origins=access.origins if access is not None else (),
                    )
                )
        rows.append(Route("pod", Match(destination=Pattern(MatchKind.PREFIX, self._network.pod_prefix)), direct))
        if self._of.egress.calls_any_host(namespace):
            rows.append(Route("allow_any", Match(destination=Pattern(MatchKind.REGEX, ".+")), out))
        return (*rows, unknown)

    @property
    def _reserved(self) -> tuple[str, ...]:
        return (self._network.host, self._network.api)


Guards = tuple[tuple[tuple[int, Access | None], ...], Requirement]


def _guarded(context: Context) -> Mapping[Guards, Sequence[str]]:
    """The IPs of pods that some policy is for, by what it asks: for each port that policies name, then for the rest."""
    groups: dict[Guards, list[str]] = defaultdict(list)
    ports = (*context.policies.ports, ANY_PORT)
    by_labels: dict[tuple[str, tuple[tuple[str, str], ...]], Guards] = {}
    for pod in sorted(context.world.pods, key=lambda pod: (pod.namespace, pod.name)):
        key = (pod.namespace, tuple(sorted(pod.labels.items())))
        guards = by_labels.get(key)
        if guards is None:
            guards = by_labels[key] = _guards(context, pod, ports)
        if guards[1] or any(access is not None for _, access in guards[0]):
            groups[guards].append(pod.ip)
    return groups


def _guards(context: Context, pod: MeshPod, ports: Sequence[int]) -> Guards:
    of_port = partial(context.policies.of, pod.namespace, [pod.labels])
    accesses = [(port, of_port({port})) for port in ports]
    rest = accesses[-1]
    # A port that its policies do not single out has what all have.
    distinct = (*(pair for pair in accesses[:-1] if pair[1] != rest[1]), rest)
    return distinct, context.tokens.of(pod.namespace, [pod.labels])


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
