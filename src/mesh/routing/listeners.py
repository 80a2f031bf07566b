"""Where Envoy listens: a sidecar for each pod, the gateways, NodePorts and ClusterIPs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from mesh.resources.core.service import ServicePort
from mesh.resources.istio.gateway import Gateway, Server
from mesh.resources.meshmall.branch import BRANCH_LABEL
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import Ref
from mesh.routing.capture import Captures
from mesh.routing.destinations.directory import Directory, Known
from mesh.routing.destinations.protocol import Wire, may_be_http, wire_of
from mesh.routing.destinations.views import cluster_name
from mesh.routing.gateway_api.attachment import GatewayApi
from mesh.routing.memory import Memory
from mesh.routing.model.listener import FilterChain, Listener, Role, Source
from mesh.routing.model.route import WeightedCluster
from mesh.routing.model.transparent import Capture
from mesh.routing.network import CAPTURE_PORT, LoopbackNetwork, NamespaceNetwork, Network
from mesh.routing.virtual_service.tls import is_encrypted, speaks_http
from mesh.routing.world import MeshSettings, Workload, World


class RawRoutes(Protocol):
    """Where connections go that are not routed as HTTP."""

    def chains(self, port: int, servers: Sequence[tuple[Gateway, Server]]) -> tuple[FilterChain, ...]: ...
    def shares(self, known: Known, port: int) -> tuple[tuple[WeightedCluster, ...], tuple[Ref, ...]]: ...


def gateway_name(port: int) -> str:
    """The table and listener of a Gateway's port."""
    return f"gateway|{port}"


def served(world: World) -> Mapping[int, Sequence[tuple[Gateway, Server]]]:
    """The servers of all Gateways by port, oldest Gateway first; then those of the Gateway API's Gateways."""
    by_port: dict[int, list[tuple[Gateway, Server]]] = defaultdict(list)
    for gateway in (*world.gateways, *GatewayApi(world).as_istio()):
        for server in gateway.spec.servers:
            by_port[server.port.number].append((gateway, server))
    return dict(sorted(by_port.items()))


def listeners_of(
    world: World,
    directory: Directory,
    settings: MeshSettings,
    raw: RawRoutes,
    memory: Memory,
    captures: Captures | None = None,
) -> Iterator[Listener]:
    """Every listener; two never share an address and port. `raw` tells where what is no HTTP goes, `captures` what is
    decided by destination where pods have network namespaces."""
    kinds = {(workload.namespace, branch_of(workload)) for workload in world.workloads}
    by_kind = {kind: captures.capture(*kind) for kind in sorted(kinds)} if captures is not None else {}
    sidecars = memory.keep(
        "sidecars",
        (world.workloads, by_kind),
        lambda: _sidecars(world, settings, by_kind, memory.last("sidecars") or {}),
    )
    yield from (listener for _, _, listener in sidecars.values())
    for listener in _outside(world, directory, settings, raw):
        yield _reachable(listener, settings.network)


def _reachable(listener: Listener, network: Network) -> Listener:
    """A listener of the host's addresses, where Envoy lives in another network namespace."""
    match network:
        case NamespaceNetwork(host_netns=""):
            return replace(listener, pipe=network.socket(listener.name))
        case NamespaceNetwork():
            return replace(listener, netns=network.host_netns)
        case LoopbackNetwork():
            return listener


def _outside(world: World, directory: Directory, settings: MeshSettings, raw: RawRoutes) -> Iterator[Listener]:
    """The listeners that programs outside of pods reach."""
    for port, servers in served(world).items():
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
        elif chains := raw.chains(port, servers):
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
    yield from _services(directory, settings, raw)
    for namespace in sorted({each.metadata.namespace for each in world.branches}):
        if address := settings.developer_address(namespace):
            yield Listener(
                name=f"developer|{namespace}",
                role=Role.DEVELOPER,
                address=address,
                port=settings.sidecar_port,
                table=f"outbound|{namespace}",
            )


def branch_of(workload: Workload) -> str:
    """The branch that a pod was made for, "" for the baseline's."""
    return workload.labels.get(BRANCH_LABEL, "")


Sidecars = Mapping[tuple[str, str], tuple[Workload, Capture | None, Listener]]


def _sidecars(
    world: World, settings: MeshSettings, captures: Mapping[tuple[str, str], Capture], last: Sidecars
) -> Sidecars:
    """By namespace and name of the pod; those of pods that did not change are what they were."""
    sidecars: dict[tuple[str, str], tuple[Workload, Capture | None, Listener]] = {}
    for workload in sorted(world.workloads, key=lambda workload: (workload.namespace, workload.name)):
        key = (workload.namespace, workload.name)
        capture = captures.get((workload.namespace, branch_of(workload)))
        before = last.get(key)
        if before is not None and before[0] == workload and before[1] == capture:
            sidecars[key] = before
        else:
            sidecars[key] = (workload, capture, _sidecar(workload, settings, capture))
    return sidecars


def _sidecar(workload: Workload, settings: MeshSettings, capture: Capture | None) -> Listener:
    listener = Listener(
        name=f"sidecar|{workload.namespace}/{workload.name}",
        role=Role.SIDECAR,
        address=workload.ip,
        port=settings.sidecar_port,
        table=f"outbound|{workload.namespace}",
        source=Source(
            workload.namespace,
            workload.name,
            tuple(sorted(workload.labels.items())),
            workload.owner,
            branch_of(workload),
            workload.service_account,
        ),
        origins=(Ref("", "Pod", workload.namespace, workload.name),),
    )
    if not isinstance(settings.network, NamespaceNetwork):
        return listener
    # On loopback, where the kernel takes a pod's own redirected connections: nobody else may come in by this listener
    # and be taken for the pod.
    netns = settings.network.netns_path(workload.uid)
    return replace(listener, address="127.0.0.1", port=CAPTURE_PORT, netns=netns, capture=capture)


def _services(directory: Directory, settings: MeshSettings, raw: RawRoutes) -> Iterator[Listener]:
    for known in directory.services:
        for port in known.service.spec.ports:
            if wire_of(port) is not Wire.UDP:
                yield from _of_port(known, port, settings, raw)


def _of_port(known: Known, port: ServicePort, settings: MeshSettings, raw: RawRoutes) -> Iterator[Listener]:
    """The listeners of a Service's port: at its ClusterIP and at every node's port."""
    spec, wire = known.service.spec, wire_of(port)
    suffix = f"{known.host}|{port.port}"
    places = []
    if spec.cluster_ip not in ("", "None") and isinstance(settings.network, LoopbackNetwork):
        # Captured connections to a ClusterIP are known by their destination: nobody needs to listen there.
        places.append(("clusterip", Role.CLUSTER_IP, spec.cluster_ip, port.port))
    if port.node_port:
        places.append(("nodeport", Role.NODE_PORT, settings.node_address, port.node_port))
    is_http, is_bytes = may_be_http(port), wire not in (Wire.HTTP, Wire.HTTP2)
    ruled, by = raw.shares(known, port.port) if is_bytes else ((), ())
    for kind, role, address, number in places:
        # As on a cluster, no rule stands between a node's port and the pod.
        to = ruled if role is Role.CLUSTER_IP else ()
        cluster = to[0].cluster if to else cluster_name(port.port, "", known.host)
        yield Listener(
            name=f"{kind}|{suffix}",
            role=role,
            address=address,
            port=number,
            table=f"{kind}|{suffix}" if is_http else None,
            cluster=cluster if is_bytes else None,
            origins=(known.ref, *(by if to else ())),
            to=to,
        )
