"""The route tables of listeners that stand for one port of one Service: its ClusterIP and its NodePort."""

from collections.abc import Iterator
from functools import partial

from mesh.resources.core.service import ServicePort
from mesh.routing.context import Context
from mesh.routing.destinations.directory import MeshService
from mesh.routing.hosts.mesh import MeshHosts
from mesh.routing.hosts.rows import clusters_forwarded, default_row, with_destinations
from mesh.routing.model.table import Entries, RouteTable, VirtualHost

EVERY_HOST = ("*",)


def service_tables(context: Context, mesh: MeshHosts, entries: Entries, *, cluster_ips: bool) -> Iterator[RouteTable]:
    """A ClusterIP's table has the rules of the Service as its own namespace sees them. A NodePort's has none, as on a
    cluster, where no proxy is between the node and the pod; requests enter branches there. A load balancer's port has
    the same table.

    Without `cluster_ips` nobody listens at them: where pods have network namespaces, destinations decide.
    """
    marks = context.marks
    for service in context.directory.services:
        for port in service.spec.ports:
            suffix = f"{service.host}|{port.port}"
            if cluster_ips:
                host = mesh.service_host(service, port, service.namespace, EVERY_HOST)
                table = partial(RouteTable, f"clusterip|{suffix}", (host,), marks=marks)
                yield context.memory.keep(("alone", suffix), (host, marks), table)
            if port.node_port or port.port in service.definition.balanced_ports:
                yield RouteTable(f"nodeport|{suffix}", (_node_port(context, service, port),), entries, marks=marks)


def _node_port(context: Context, service: MeshService, port: ServicePort) -> VirtualHost:
    routes = with_destinations((default_row(service, port),), context.clusters)
    overrides = context.branches.overrides(service.host, port.port, clusters_forwarded(routes))
    return VirtualHost(f"{service.host}:{port.port}", EVERY_HOST, routes, (service.ref,), overrides)
