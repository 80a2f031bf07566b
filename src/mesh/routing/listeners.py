"""Where Envoy listens: a sidecar for each pod, the gateways, NodePorts and ClusterIPs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.gateway import Gateway, Server
from mesh.resources.meshmall.branch import branch_of
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ports import SIDECAR_PORT
from mesh.resources.values.ref import Ref
from mesh.routing.api_listeners import api_listeners
from mesh.routing.capture import Captures
from mesh.routing.context import Context
from mesh.routing.datagrams import Datagrams
from mesh.routing.destinations.directory import MeshService
from mesh.routing.destinations.protocol import Wire, may_be_http, wire_of
from mesh.routing.destinations.views import cluster_name
from mesh.routing.gateways import gateway_name
from mesh.routing.model.listener import FilterChain, Listener, Role, Source
from mesh.routing.model.route import WeightedCluster
from mesh.routing.model.security import Access
from mesh.routing.model.transparent import Capture
from mesh.routing.network import LoopbackNetwork, NamespaceNetwork
from mesh.routing.security.connections import connection_access
from mesh.routing.virtual_service.tls import chains_of, is_encrypted, mesh_shares, speaks_http
from mesh.routing.world import MeshPod, MeshSettings, World


def listeners_of(context: Context, captures: Captures | None, datagrams: Datagrams) -> Iterator[Listener]:
    """Every listener; two never share an address and port.

    `captures` say what is decided by destination where pods have network namespaces; None where they have not.
    """
    open_tables: frozenset[str] = frozenset()
    if captures is None:
        open_tables = frozenset(f"outbound|{n}" for n in context.namespaces if context.calls_hosts_by_name(n))
    for listener in _all(context, captures, datagrams):
        is_open = listener.table in open_tables
        if is_open or not context.settings.telemetry:
            yield replace(listener, passthrough=is_open, logged=context.settings.telemetry)
        else:
            yield listener


def _all(context: Context, captures: Captures | None, datagrams: Datagrams) -> Iterator[Listener]:
    world, settings, memory = context.world, context.settings, context.memory
    by_pod = [captures.capture(pod) if captures is not None else None for pod in world.pods]
    sidecars = memory.keep(
        "sidecars",
        (world.pods, by_pod),
        lambda: _sidecars(world, settings, by_pod, memory.last("sidecars") or {}),
    )
    yield from (listener for _, _, listener in sidecars.values())
    for listener in _outside(context, datagrams):
        yield _reachable(listener, context)


def _reachable(listener: Listener, context: Context) -> Listener:
    """A listener of the host's addresses, where Envoy lives in another network namespace: the edge is in between."""
    network = context.settings.network
    # ClusterIPs are addresses of the mesh's own network.
    if not isinstance(network, NamespaceNetwork) or listener.role is Role.CLUSTER_IP:
        return listener
    to = listener.to or ((WeightedCluster(listener.cluster),) if listener.cluster is not None else ())
    chains = tuple(replace(chain, access=_access(chain.to, context)) for chain in listener.chains)
    return replace(listener, pipe=network.socket(listener.name), access=_access(to, context), chains=chains)


def _access(to: Sequence[WeightedCluster], context: Context) -> tuple[Access, ...]:
    """What must hold for bytes to every destination."""
    clusters = (context.clusters.get(share.cluster) for share in to)
    layers = (cluster.access for cluster in clusters if cluster is not None and cluster.access is not None)
    return tuple(dict.fromkeys(connection_access(layer) for layer in layers))


def _outside(context: Context, datagrams: Datagrams) -> Iterator[Listener]:
    """The listeners that programs outside of pods reach."""
    settings = context.settings
    for port, servers in context.servers.items():
        listener = Listener(
            name=gateway_name(port),
            role=Role.GATEWAY,
            address=settings.gateway_address,
            port=settings.ports.get(port, port),
            table=gateway_name(port),
            origins=tuple(dict.fromkeys(ref_of(gateway) for gateway, _ in servers)),
        )
        if all(speaks_http(server) and not is_encrypted(server) for _, server in servers):
            yield listener
        elif chains := _chains(context, port, servers):
            encrypted = any(is_encrypted(server) for _, server in servers)
            http = any(chain.terminate is not None and chain.terminate.http for chain in chains)
            origins = dict.fromkeys((*listener.origins, *(ref for chain in chains for ref in chain.origins)))
            first = chains[0].to
            yield replace(
                listener,
                table=listener.table if http else None,
                cluster=None if http or not first else first[0].cluster,
                chains=chains if encrypted else (),
                to=() if encrypted else first,
                origins=tuple(origins),
            )
    yield from api_listeners(context, datagrams)
    yield from datagrams.listeners()
    yield from _services(context)
    for namespace in sorted({branch.metadata.namespace for branch in context.world.branches}):
        if address := settings.developer_address(namespace):
            yield Listener(
                name=f"developer|{namespace}",
                role=Role.DEVELOPER,
                address=address,
                port=settings.sidecar_port,
                table=f"outbound|{namespace}",
            )


Sidecars = Mapping[tuple[str, str], tuple[MeshPod, Capture | None, Listener]]


def _sidecars(world: World, settings: MeshSettings, captures: Sequence[Capture | None], last: Sidecars) -> Sidecars:
    """By namespace and name of the pod; those of pods that did not change are what they were."""
    sidecars: dict[tuple[str, str], tuple[MeshPod, Capture | None, Listener]] = {}
    pods = zip(world.pods, captures, strict=True)
    for pod, capture in sorted(pods, key=lambda pair: (pair[0].namespace, pair[0].name)):
        key = (pod.namespace, pod.name)
        before = last.get(key)
        if before is not None and before[0] == pod and before[1] == capture:
            sidecars[key] = before
        else:
            sidecars[key] = (pod, capture, _sidecar(pod, settings, capture))
    return sidecars


def _sidecar(pod: MeshPod, settings: MeshSettings, capture: Capture | None) -> Listener:
    listener = Listener(
        name=f"sidecar|{pod.namespace}/{pod.name}",
        role=Role.SIDECAR,
        address=pod.ip,
        port=settings.sidecar_port,
        table=f"outbound|{pod.namespace}",
        source=Source(
            pod.namespace,
            pod.name,
            tuple(sorted(pod.labels.items())),
            pod.owner,
            branch_of(pod.labels),
            pod.service_account,
        ),
        origins=(Ref("", "Pod", pod.namespace, pod.name),),
    )
    if not isinstance(settings.network, NamespaceNetwork):
        return listener
    # On loopback, where the kernel takes a pod's own redirected connections: nobody else may come in by this listener
    # and be taken for the pod.
    netns = settings.network.netns_path(pod.uid)
    return replace(listener, address="127.0.0.1", port=SIDECAR_PORT, netns=netns, capture=capture)


def _services(context: Context) -> Iterator[Listener]:
    for service in context.directory.services:
        for port in service.spec.ports:
            if wire_of(port) is not Wire.UDP:
                yield from _of_port(context, service, port)


def _of_port(context: Context, service: MeshService, port: ServicePort) -> Iterator[Listener]:
    """The listeners of a Service's port: at its ClusterIP, at the node's port and at the load balancer."""
    spec, wire = service.spec, wire_of(port)
    suffix = f"{service.host}|{port.port}"
    places = []
    if spec.cluster_ip not in ("", "None") and isinstance(context.settings.network, LoopbackNetwork):
        # Captured connections to a ClusterIP are known by their destination: nobody needs to listen there.
        places.append(("clusterip", Role.CLUSTER_IP, spec.cluster_ip, port.port))
    node = context.settings.node_address
    if port.node_port:
        places.append(("nodeport", Role.NODE_PORT, node, port.node_port))
    if port.port in service.definition.balanced_ports:
        places.append(("loadbalancer", Role.NODE_PORT, node, port.port))
    is_http, is_bytes = may_be_http(port), wire not in (Wire.HTTP, Wire.HTTP2)
    ruled, by = _shares(context, service, port.port) if is_bytes else ((), ())
    for kind, role, address, number in places:
        # As on a cluster, no rule stands between a node's port and the pod.
        to = ruled if role is Role.CLUSTER_IP else ()
        cluster = to[0].cluster if to else cluster_name(port.port, "", service.host)
        yield Listener(
            name=f"{kind}|{suffix}",
            role=role,
            address=address,
            port=number,
            # A load balancer sends requests to a node's port: what holds there holds for it.
            table=f"{kind.replace('loadbalancer', 'nodeport')}|{suffix}" if is_http else None,
            cluster=cluster if is_bytes else None,
            origins=(service.ref, *(by if to else ())),
            to=to,
        )


def _chains(context: Context, port: int, servers: Sequence[tuple[Gateway, Server]]) -> tuple[FilterChain, ...]:
    """What a gateway's port that is not plain HTTP does."""
    cluster_of = context.cluster_of(port, servers[0][0].metadata.namespace)
    return chains_of(port, servers, context.world, cluster_of)


def _shares(context: Context, service: MeshService, port: int) -> tuple[tuple[WeightedCluster, ...], tuple[Ref, ...]]:
    """Where the `tcp` routes of rules send a Service's connections."""
    rules = context.rules(service.host, service.namespace)
    return mesh_shares(rules, port, context.cluster_of(port, service.namespace)) if rules else ((), ())
