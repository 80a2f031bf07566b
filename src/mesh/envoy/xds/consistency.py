"""Whether a snapshot has everything that it names, checked before Envoy sees any of it.

Envoy would not refuse it: a listener would wait for a table that never comes, a route to a missing cluster answer 503.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from mesh.routing.model.listener import Listener
from mesh.routing.model.route import Forward, Route
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import RouteTable

T = TypeVar("T")


class Inconsistent(Exception):
    """A snapshot names what it lacks: a mistake of the compiler, never of a user."""


def require_consistent(snapshot: Snapshot, former: Snapshot | None = None) -> None:
    """Checks that every table that a listener names and every cluster that anything names is there.

    `former` is a snapshot that has passed: what is the same object in both is not looked at again. With a pod per
    listener, looking at all of them is what takes long when one rule changes. Raises Inconsistent.
    """
    if former is not None and not (
        former.clusters.keys() <= snapshot.clusters.keys() and former.tables.keys() <= snapshot.tables.keys()
    ):
        # Something was removed: whatever did not change may still name it.
        former = None
    for listener in _changed(snapshot.listeners, former.listeners if former is not None else {}):
        _check_listener(listener, snapshot)
    # Groups of overrides that were looked at, by identity.
    checked: set[int] = set()
    for table in _changed(snapshot.tables, former.tables if former is not None else {}):
        _check_table(table, snapshot, checked)
    for name in snapshot.clusters:
        if name not in snapshot.endpoints:
            raise Inconsistent(f"cluster {name} has no endpoint group")


def _changed(values: Mapping[str, T], former: Mapping[str, T]) -> Iterable[T]:
    return (value for name, value in values.items() if former.get(name) is not value)


def _check_listener(listener: Listener, snapshot: Snapshot) -> None:
    if listener.table is None and listener.cluster is None:
        raise Inconsistent(f"listener {listener.name} needs a table or a cluster")
    for table in listener.tables:
        if table not in snapshot.tables:
            raise Inconsistent(f"listener {listener.name} names the table {table}")
    captured = listener.capture.routes if listener.capture is not None else ()
    shares = (
        *listener.to,
        *(share for chain in listener.chains for share in chain.to),
        *(share for route in captured for share in route.to),
    )
    for cluster in (listener.cluster, *(share.cluster for share in shares)):
        if cluster is not None and cluster not in snapshot.clusters:
            raise Inconsistent(f"listener {listener.name} names the cluster {cluster}")


def _check_table(table: RouteTable, snapshot: Snapshot, checked: set[int]) -> None:
    for host in table.hosts:
        for route in host.routes:
            for cluster in _clusters_of(route):
                if cluster not in snapshot.clusters:
                    raise Inconsistent(f"route {route.name} names the cluster {cluster}")
        # Several tables have the same overrides, and most of thousands of branches share what they replace.
        if host.overrides and id(host.overrides) not in checked:
            checked.add(id(host.overrides))
            for override in {id(override.swap): override for override in host.overrides}.values():
                for _, cluster in override.swap:
                    if cluster and cluster not in snapshot.clusters:
                        raise Inconsistent(f"branch {override.branch} names the cluster {cluster}")


def _clusters_of(route: Route) -> Iterator[str]:
    """The clusters that a route sends to, or copies to."""
    if isinstance(route.action, Forward):
        yield from (share.cluster for share in route.action.to)
        yield from (cluster for cluster, _ in route.action.mirrors)
