"""In which order Envoy is sent what changed, so that no request fails meanwhile. Pure.

Make before break, as the xDS protocol calls it: clusters and endpoints come before the routes and listeners that name
them, and go after them. Each step is acknowledged before the next is sent; on one stream Envoy applies responses in
order, but a cluster is usable only once it has warmed, which is when Envoy acknowledges it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mesh.envoy.xds.resources import Kind, Resources, extensions_of

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """What is sent at once; the next step waits until all of it is acknowledged or refused.

    `awaited` are resources that Envoy will ask for by itself because of this step.
    """

    send: Mapping[Kind, Names] = field(default_factory=dict)
    remove: Mapping[Kind, Names] = field(default_factory=dict)
    awaited: Mapping[Kind, Names] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.send.values()) or any(self.remove.values())


class Plan(NamedTuple):
    """The steps in their order: what is added, what leads requests there, and what is not needed any more.

    What leads requests is not all among Envoy's resources: the records of branches are written between the parts.
    """

    add: Sequence[Step]
    turn: Sequence[Step]
    drop: Sequence[Step]


def plan(old: Resources, new: Resources, *, turning: bool = False) -> Plan:
    """The steps from what Envoy has to what it should have; none when nothing changed.

    `turning`: records of branches change, too.
    """
    changed = {kind: _changed(kind, old, new) for kind in Kind}
    added_clusters = new[Kind.CLUSTER].keys() - old[Kind.CLUSTER].keys()
    gone = {kind: frozenset(old[kind].keys() - new[kind].keys()) for kind in Kind}
    endpoints = changed[Kind.ENDPOINTS] - changed[Kind.CLUSTER]
    routes = changed[Kind.ROUTES]
    # A cluster that loses its last endpoint while routes change, too: those routes lead its requests elsewhere, and
    # must do so before nothing is left to answer them.
    turning = turning or bool(routes)
    emptied = frozenset(name for name in endpoints if turning and not new[Kind.ENDPOINTS][name].value)
    listeners = [new[Kind.LISTENER][name].value for name in changed[Kind.LISTENER]]
    tables = frozenset(table for listener in listeners for table in listener.tables)
    extensions = frozenset(name for listener in listeners for name in extensions_of(listener))
    # Others have no endpoints to ask for: they pass a connection on to where it was going.
    asking = frozenset(name for name in added_clusters if new[Kind.CLUSTER][name].value.is_discovered)
    add = (
        # Endpoints go along with each cluster. One that is replaced warms until its endpoints come but does not
        # subscribe again, since the name is subscribed already; Envoy acknowledges clusters only when none of them is
        # warming. And one that comes back after a removal may meet its former endpoints, which Envoy still holds.
        Step(
            send={Kind.CLUSTER: changed[Kind.CLUSTER], Kind.ENDPOINTS: changed[Kind.CLUSTER]},
            awaited={Kind.ENDPOINTS: asking},
        ),
        Step(send={Kind.ENDPOINTS: endpoints - emptied}),
        # What rows require of tokens comes before the rows. It still has the requirements of the former rows (see
        # `encode_authentication`), which are in use until the tables have changed.
        Step(send={Kind.EXTENSION: changed[Kind.EXTENSION]}),
    )
    turn = (
        # Before the listeners: the table of a listener that comes back is still held by the former one while that
        # drains, and Envoy would not ask for it again.
        Step(send={Kind.ROUTES: routes}),
        Step(
            send={Kind.LISTENER: changed[Kind.LISTENER]},
            remove={Kind.LISTENER: gone[Kind.LISTENER]},
            awaited={Kind.ROUTES: tables, Kind.EXTENSION: extensions},
        ),
    )
    drop = (
        Step(send={Kind.ENDPOINTS: emptied}),
        # Last, when no table or listener names them any more. Endpoints, tables and filters' configurations are not
        # removed: Envoy drops them with the cluster or listener that asked for them. A listener that is gone still
        # serves its kept connections for some seconds, and answers 500 without the configuration of a filter.
        Step(remove={Kind.CLUSTER: gone[Kind.CLUSTER]}),
    )
    return Plan(*([step for step in steps if step] for steps in (add, turn, drop)))


def _changed(kind: Kind, old: Resources, new: Resources) -> Names:
    """The names whose resource is new or has another version."""
    former = old[kind]
    return frozenset(
        name
        for name, resource in new[kind].items()
        if (before := former.get(name)) is None or before.version != resource.version
    )
