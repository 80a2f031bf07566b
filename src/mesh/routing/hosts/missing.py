"""Clusters without endpoints, for names that rows and listeners have and nothing declares. Pure.

Rules may name subsets and Services that do not exist (yet). Envoy takes such a route, but its 503 says that no pod is
ready only where the cluster exists.
"""

from collections.abc import Container, Iterable, Iterator

from mesh.routing.context import Context
from mesh.routing.model.cluster import Cluster, Group
from mesh.routing.model.listener import Listener
from mesh.routing.model.route import Forward
from mesh.routing.model.table import RouteTable
from mesh.routing.model.transparent import Capture


def missing_groups(
    context: Context, tables: Iterable[RouteTable], listeners: Iterable[Listener], existing: Container[str]
) -> dict[str, Group]:
    """A cluster for each name that is not `existing`; its origin is the Service of the name's host."""
    groups: dict[str, Group] = {}
    for name in (*_of_tables(tables, existing), *_of_listeners(listeners, existing)):
        if name not in groups:
            service = context.directory.service(name.rpartition("|")[2])
            groups[name] = Cluster(name, origins=(service.ref,) if service is not None else ()), ()
    return groups


def _of_tables(tables: Iterable[RouteTable], existing: Container[str]) -> Iterator[str]:
    # Every row of every table passes here at every change; remembering them would cost more than looking.
    for table in tables:
        for host in table.hosts:
            for row in host.routes:
                if isinstance(row.action, Forward):
                    for destination in row.action.to:
                        if destination.cluster not in existing:
                            yield destination.cluster
                    for cluster, _ in row.action.mirrors:
                        if cluster not in existing:
                            yield cluster


def _of_listeners(listeners: Iterable[Listener], existing: Container[str]) -> Iterator[str]:
    # The pods of a namespace share what their listeners capture.
    captures: dict[int, Capture] = {}
    for listener in listeners:
        if listener.capture is not None:
            captures[id(listener.capture)] = listener.capture
        if listener.cluster is not None and listener.cluster not in existing:
            yield listener.cluster
        if listener.to or listener.chains:
            shares = (*listener.to, *(share for chain in listener.chains for share in chain.to))
            yield from (share.cluster for share in shares if share.cluster not in existing)
    for capture in captures.values():
        yield from (share.cluster for route in capture.routes for share in route.to if share.cluster not in existing)
