"""A world to a snapshot: every listener, route table, cluster and endpoint that Envoy should have. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mesh.routing.api_listeners import door_names
from mesh.routing.capture import Captures, network_groups, outside_endpoint
from mesh.routing.context import Context, environment
from mesh.routing.datagrams import Datagrams
from mesh.routing.gateways import gateway_name
from mesh.routing.hosts.api_gateway import api_tables, selector_of
from mesh.routing.hosts.gateway import gateway_tables
from mesh.routing.hosts.mesh import MeshHosts
from mesh.routing.hosts.missing import missing_groups
from mesh.routing.hosts.service import service_tables
from mesh.routing.listeners import listeners_of
from mesh.routing.memory import Memory
from mesh.routing.model.cluster import Endpoint, Group
from mesh.routing.model.security import Authentication
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import RouteTable
from mesh.routing.network import NamespaceNetwork, Network
from mesh.routing.world import MeshSettings, World


def compile(  # noqa: A001 - what it does
    world: World, settings: MeshSettings, memory: Memory | None = None
) -> Snapshot:
    """Everything Envoy should have for this world. The same world gives an equal snapshot.

    `memory`, given to every call, lets what did not change be the same objects as the last time.
    """
    memory = memory or Memory()
    memory.begin(environment(world, settings))
    context = Context.of(world, settings, memory)
    datagrams = Datagrams(context)
    network = settings.network if isinstance(settings.network, NamespaceNetwork) else None
    captures = Captures(network, context) if network is not None else None
    entries = context.branches.entries()
    mesh = MeshHosts(context, captures)
    mesh_tables = tuple(mesh.tables())
    gateways, api = gateway_tables(context, entries), api_tables(context, entries)
    # They name what the tables of the mesh name, and clusters of Services: nothing that could be missing.
    of_services = service_tables(context, mesh, entries, cluster_ips=captures is None)
    tables = {table.name: table for table in (*mesh_tables, *api.tables, *gateways.tables, *of_services)}
    listeners = {listener.name: listener for listener in listeners_of(context, captures, datagrams)}
    groups: dict[str, Group] = {group[0].name: group for group in datagrams.groups()}
    groups |= {**context.groups, **gateways.groups, **api.groups}
    groups |= {group[0].name: group for group in (*mesh.groups(), *network_groups(network))}
    groups |= missing_groups(context, (*mesh_tables, *gateways.tables, *api.tables), listeners.values(), groups)
    return Snapshot(
        version=world.version,
        listeners=listeners,
        tables=tables,
        clusters={name: cluster for name, (cluster, _) in groups.items()},
        endpoints={name: _reachable(endpoints, settings.network) for name, (_, endpoints) in groups.items()},
        authentications={
            authentication.name: authentication for authentication in _authentications(context, tables.values())
        },
    )


def _authentications(context: Context, tables: Iterable[RouteTable]) -> Iterator[Authentication]:
    """The tokens that rows and the ports of gateways ask for."""
    yield context.tokens.of_rows(tables)
    for port, servers in context.servers.items():
        selectors: list[Mapping[str, str]] = [gateway.spec.selector for gateway, _ in servers]
        yield context.tokens.of_gateway(gateway_name(port), selectors)
    for gateway in context.api.gateways.values():
        for name in door_names(gateway):
            yield context.tokens.of_gateway(name, [selector_of(gateway.gateway)])


def _reachable(endpoints: tuple[Endpoint, ...], network: Network) -> tuple[Endpoint, ...]:
    """Endpoints that are no pods are outside of the mesh's network, where there is one: the edge connects to them."""
    if not isinstance(network, NamespaceNetwork) or not any(
        outside_endpoint(network, endpoint) for endpoint in endpoints
    ):
        return endpoints
    return tuple(
        replace(endpoint, pipe=network.outside_socket(endpoint.address, endpoint.port))
        if outside_endpoint(network, endpoint)
        else endpoint
        for endpoint in endpoints
    )
