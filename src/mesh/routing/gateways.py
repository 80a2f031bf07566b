"""The servers of Istio's Gateways and of Ingresses, by the port that they declare. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mesh.resources.istio.gateway import Gateway, Server
from mesh.routing.ingress import gateways_of, served_ingresses
from mesh.routing.world import MeshSettings, World

Servers = Mapping[int, Sequence[tuple[Gateway, Server]]]


def gateway_name(port: int) -> str:
    """The name of the route table and the listener of a port at the mesh's own address."""
    return f"gateway|{port}"


def servers_by_port(gateways: Iterable[Gateway]) -> Servers:
    """The servers of Istio's Gateways (with those of Ingresses), in this order."""
    servers: dict[int, list[tuple[Gateway, Server]]] = defaultdict(list)
    for gateway in gateways:
        for server in gateway.spec.servers:
            servers[server.port.number].append((gateway, server))
    return dict(sorted(servers.items()))


def opened_ports(world: World, settings: MeshSettings) -> frozenset[int]:
    """The ports that Istio's Gateways and Ingresses open at the mesh's own address."""
    ingresses = served_ingresses(world.ingresses, world.ingress_classes)
    gateways = (*world.gateways, *gateways_of(ingresses))
    numbers = (server.port.number for gateway in gateways for server in gateway.spec.servers)
    return frozenset(settings.ports.get(number, number) for number in numbers)
