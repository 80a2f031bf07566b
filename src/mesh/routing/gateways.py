"""The servers of all Gateways, by the port that they declare. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mesh.resources.istio.gateway import Gateway, Server
from mesh.routing.gateway_api.attachment import GatewayApi

Servers = Mapping[int, Sequence[tuple[Gateway, Server]]]


def gateway_name(port: int) -> str:
    """The name of a Gateway port's route table and listener."""
    return f"gateway|{port}"


def servers_by_port(gateways: Iterable[Gateway], api: GatewayApi) -> Servers:
    """Istio's Gateways (with those of Ingresses), in this order; then those of the Gateway API, as Istio's."""
    servers: dict[int, list[tuple[Gateway, Server]]] = defaultdict(list)
    for gateway in (*gateways, *api.as_istio()):
        for server in gateway.spec.servers:
            servers[server.port.number].append((gateway, server))
    return dict(sorted(servers.items()))
