"""Gateways that speak TLS or TCP: certificates from Secrets, and rules that choose by the name a client asks for.

Follows Istio's Gateway.servers[].tls and VirtualService.tls / .tcp. A Secret is of the Gateway's own namespace.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from mesh.resources.core.certificates import authority_of, certificate_of
from mesh.resources.core.config import Secret
from mesh.resources.istio.gateway import Gateway, Server
from mesh.resources.istio.virtual_service import Destination, L4MatchAttributes, RouteDestination, VirtualService
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.model.listener import FilterChain, TlsTermination
from mesh.routing.model.route import WeightedCluster
from mesh.routing.virtual_service.place import MESH, qualified
from mesh.routing.world import World

HTTP_PROTOCOLS = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
ENCRYPTED = ("HTTPS", "TLS")
Secrets = Mapping[tuple[str, str], Secret]
ClusterOf = Callable[[Destination, str], str]


def speaks_http(server: Server) -> bool:
    """Whether requests of this server are routed as HTTP: plain, or after its TLS is ended here."""
    protocol = server.port.protocol.upper()
    return protocol in HTTP_PROTOCOLS or (protocol == "HTTPS" and not passes_through(server))


def passes_through(server: Server) -> bool:
    """Whether TLS is left to the pod."""
    return server.tls is not None and server.tls.mode == "PASSTHROUGH"


def is_encrypted(server: Server) -> bool:
    return server.port.protocol.upper() in ENCRYPTED


def chains_of(
    port: int, servers: Sequence[tuple[Gateway, Server]], world: World, cluster_of: ClusterOf
) -> tuple[FilterChain, ...]:
    """What a gateway's port does by the name that a client asks for. The first of two for one name counts.

    A server whose Secret is missing, or is no certificate, has none.
    """
    chains: dict[str, FilterChain] = {}
    for gateway, server in servers:
        for chain in _of_server(port, gateway, server, world, cluster_of):
            names = tuple(name for name in chain.names if name not in chains)
            if names:
                rest = FilterChain(names, chain.terminate, chain.to, chain.origins)
                chains.update(dict.fromkeys(names, rest))
    return tuple(dict.fromkeys(chains.values()))


def _of_server(
    port: int, gateway: Gateway, server: Server, world: World, cluster_of: ClusterOf
) -> Iterator[FilterChain]:
    hosts = tuple(host.rpartition("/")[2] for host in server.hosts)
    terminate = None
    if is_encrypted(server) and not passes_through(server):
        terminate = _terminate(gateway, server, world)
        if terminate is None:
            return
        if speaks_http(server):
            yield FilterChain(hosts, terminate, (), (ref_of(gateway),))
            return
    name = f"{gateway.metadata.namespace}/{gateway.metadata.name}"
    for rule in world.virtual_services:
        for names, to in _raw_routes(rule, name, port, cluster_of, by_name=passes_through(server)):
            yield FilterChain(names or hosts, terminate, to, (ref_of(gateway), ref_of(rule)))


def _raw_routes(
    rule: VirtualService, gateway: str, port: int, cluster_of: ClusterOf, *, by_name: bool
) -> Iterator[tuple[tuple[str, ...], tuple[WeightedCluster, ...]]]:
    """The `tls` routes of a rule for a gateway, or its `tcp` ones: the names asked for, and where they go."""
    namespace = rule.metadata.namespace
    if gateway not in {qualified(name, namespace) for name in rule.spec.gateways}:
        return
    if by_name:
        for tls in rule.spec.tls:
            for block in tls.match:
                if _holds(block.port, block.gateways, gateway, port, namespace) and not block.source_labels:
                    yield tuple(block.sni_hosts), shares(tls.route, namespace, cluster_of)
        return
    for tcp in rule.spec.tcp:
        if any(_l4(block, gateway, port, namespace) for block in tcp.match or [L4MatchAttributes()]):
            yield (), shares(tcp.route, namespace, cluster_of)
            return


def mesh_shares(
    rules: Sequence[VirtualService], port: int, cluster_of: ClusterOf
) -> tuple[tuple[WeightedCluster, ...], tuple[Ref, ...]]:
    """Where a Service's TCP port goes by the first `tcp` route that holds, and by whose rule; nothing without one."""
    for rule in rules:
        namespace = rule.metadata.namespace
        for route in rule.spec.tcp:
            if any(_l4(block, MESH, port, namespace) for block in route.match or [L4MatchAttributes()]):
                return shares(route.route, namespace, cluster_of), (ref_of(rule),)
    return (), ()


def mesh_tls_routes(rule: VirtualService) -> Iterator[tuple[tuple[str, ...], int, Sequence[RouteDestination]]]:
    """The `tls` routes of a rule inside the mesh: the names asked for, the port (0: any), and where they go."""
    for route in rule.spec.tls:
        for block in route.match:
            gateways = block.gateways or rule.spec.gateways
            if (not gateways or MESH in gateways) and not block.source_labels:
                yield tuple(block.sni_hosts), block.port, route.route


def _l4(block: L4MatchAttributes, gateway: str, port: int, namespace: str) -> bool:
    """What cannot be seen of a connection here (who calls, from which network) never holds."""
    if block.source_labels or block.source_namespace or block.source_subnet or block.destination_subnets:
        return False
    return _holds(block.port, block.gateways, gateway, port, namespace)


def _holds(number: int, gateways: Sequence[str], gateway: str, port: int, namespace: str) -> bool:
    names = {qualified(name, namespace) for name in gateways}
    return number in (0, port) and (not names or gateway in names)


def shares(routes: Sequence[RouteDestination], namespace: str, cluster_of: ClusterOf) -> tuple[WeightedCluster, ...]:
    """Destinations with their weights; one alone gets everything."""
    return tuple(
        WeightedCluster(cluster_of(share.destination, namespace), share.weight if len(routes) > 1 else 100)
        for share in routes
        if share.weight or len(routes) == 1
    )


def _terminate(gateway: Gateway, server: Server, world: World) -> TlsTermination | None:
    tls = server.tls
    if tls is None:
        return None
    name = tls.credential_name or next(iter(tls.credential_names), "")
    # A Gateway of the Gateway API says the namespace too, where it may.
    namespace, _, plain = name.rpartition("/")
    secret = world.secrets.get((namespace or gateway.metadata.namespace, plain))
    pair = certificate_of(secret) if secret is not None else None
    if pair is None:
        return None
    authority = ""
    if tls.mode in ("MUTUAL", "OPTIONAL_MUTUAL"):
        extra = world.secrets.get((gateway.metadata.namespace, tls.ca_cert_credential_name or f"{name}-cacert"))
        sources = (extra, secret) if tls.ca_cert_credential_name else (secret, extra)
        authorities = (authority_of(source) for source in sources if source is not None)
        authority = next((text for text in authorities if text), "")
        if not authority:
            return None
    return TlsTermination(
        certificate=pair[0],
        key=pair[1],
        authority=authority,
        require_client=tls.mode == "MUTUAL",
        least=tls.min_protocol_version,
        most=tls.max_protocol_version,
        ciphers=tuple(tls.cipher_suites),
        http=speaks_http(server),
        names=tuple(tls.subject_alt_names),
        spki=tuple(tls.verify_certificate_spki),
        hashes=tuple(tls.verify_certificate_hash),
    )
