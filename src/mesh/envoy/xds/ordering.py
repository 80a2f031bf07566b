"""In which order Envoy is told what changed, so that nobody sees an error meanwhile. Pure.

Clusters and endpoints come before the routes and listeners that name them, and go after them (the order that
the xDS protocol calls make before break). A cluster that loses its last endpoint while routes change too is
told so after the routes: those who are being sent elsewhere leave first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mesh.envoy.xds.resources import Kind, Resources, extensions_of

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """What is sent at once; the next step waits until all of it is acknowledged.

    `awaited` are resources that Envoy will ask for on its own because of this step.
    """

    send: Mapping[Kind, Names] = field(default_factory=dict)
    remove: Mapping[Kind, Names] = field(default_factory=dict)
    awaited: Mapping[Kind, Names] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.send.values()) or any(self.remove.values())


def plan(old: Resources, new: Resources) -> list[Step]:
    """The steps from what Envoy has to what it should have; none when nothing changed."""
    changed = {kind: _changed(kind, old, new) for kind in Kind}
    added = {kind: frozenset(new[kind].keys() - old[kind].keys()) for kind in Kind}
    gone = {kind: frozenset(old[kind].keys() - new[kind].keys()) for kind in Kind}
    endpoints = changed[Kind.ENDPOINTS] - changed[Kind.CLUSTER]
    routes = changed[Kind.ROUTES]
    emptied = frozenset(name for name in endpoints if routes and not new[Kind.ENDPOINTS][name].value)
    tables = frozenset(
        listener.value.table
        for name in changed[Kind.LISTENER]
        if (listener := new[Kind.LISTENER][name]).value.table is not None
    )
    extensions = frozenset(
        name for each in changed[Kind.LISTENER] for name in extensions_of(new[Kind.LISTENER][each].value)
    )
    awaited = frozenset(name for name in added[Kind.CLUSTER] if new[Kind.CLUSTER][name].value.is_discovered)
    steps = [
        Step(
            # Endpoints go along with each cluster: one that is replaced waits for them without asking, and
            # Envoy does not acknowledge clusters while one of them waits; one that comes back may find Envoy
            # still holding on to its former ones.
            send={Kind.CLUSTER: changed[Kind.CLUSTER], Kind.ENDPOINTS: changed[Kind.CLUSTER]},
            awaited={Kind.ENDPOINTS: awaited},
        ),
        Step(send={Kind.ENDPOINTS: endpoints - emptied}),
        # What rows ask of tokens; what former rows asked stays in it.
        Step(send={Kind.EXTENSION: changed[Kind.EXTENSION]}),
        # A table whose listener comes back may still be held by the former one, which drains.
        Step(send={Kind.ROUTES: routes}),
        Step(
            send={Kind.LISTENER: changed[Kind.LISTENER]},
            remove={Kind.LISTENER: gone[Kind.LISTENER]},
            awaited={Kind.ROUTES: tables, Kind.EXTENSION: extensions},
        ),
        Step(send={Kind.ENDPOINTS: emptied}),
        Step(remove={Kind.CLUSTER: gone[Kind.CLUSTER], Kind.EXTENSION: gone[Kind.EXTENSION]}),
    ]
    return [step for step in steps if step]


def _changed(kind: Kind, old: Resources, new: Resources) -> Names:
    held = old[kind]
    return frozenset(
        name
        for name, resource in new[kind].items()
        if (known := held.get(name)) is None or known.version != resource.version
    )
