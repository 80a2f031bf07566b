"""Where Envoy listens: a sidecar for each pod, the gateways, NodePorts and ClusterIPs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from mesh.resources.analysis.references import ref_of
from mesh.resources.core.service import ServicePort
from mesh.resources.istio.gateway import Gateway, Server
from mesh.resources.meshmall.branch import BRANCH_LABEL
from mesh.resources.values.ref import Ref
from mesh.routing.destinations.directory import Directory, Known
from mesh.routing.destinations.protocol import Wire, may_be_http, wire_of
from mesh.routing.destinations.views import cluster_name
from mesh.routing.gateway_api.attachment import GatewayApi
from mesh.routing.memory import Memory
from mesh.routing.model.listener import FilterChain, Listener, Role, Source
from mesh.routing.model.route import WeightedCluster
from mesh.routing.model.table import RouteTable
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
    tables: Mapping[str, RouteTable],
    raw: RawRoutes,
    memory: Memory,
) -> Iterator[Listener]:
    """Every listener; two never share an address and port. `raw` tells where what is no HTTP goes."""
    sidecars = memory.keep(
        "sidecars", world.workloads, lambda: _sidecars(world, settings, memory.last("sidecars") or {})
    )
    yield from (listener for _, listener in sidecars.values())
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


Sidecars = Mapping[tuple[str, str], tuple[Workload, Listener]]


def _sidecars(world: World, settings: MeshSettings, before: Sidecars) -> Sidecars:
    """By namespace and name of the pod; those of pods that did not change are what they were."""
    found: dict[tuple[str, str], tuple[Workload, Listener]] = {}
    for each in sorted(world.workloads, key=lambda workload: (workload.namespace, workload.name)):
        key = (each.namespace, each.name)
        held = before.get(key)
        found[key] = held if held is not None and held[0] == each else (each, _sidecar(each, settings))
    return found


def _sidecar(workload: Workload, settings: MeshSettings) -> Listener:
    return Listener(
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
    if spec.cluster_ip not in ("", "None"):
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
