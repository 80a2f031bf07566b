"""Has Envoy taken or refused all of a step? Pure, over what the stream knows."""

from mesh.envoy.xds.ordering import Step
from mesh.envoy.xds.refusals import Refusals
from mesh.envoy.xds.resources import WILDCARD, Kind, Resources, extensions_of
from mesh.envoy.xds.stream import Stream

# A refused listener concerns nobody else; these are named by others.
NAMED_BY_OTHERS = (Kind.CLUSTER, Kind.ROUTES, Kind.EXTENSION)


def is_settled(step: Step, stream: Stream, resources: Resources, refusals: Refusals) -> bool:
    """Whether the next step may follow: no answer to this one is missing."""
    for kind, names in step.send.items():
        for name in names:
            if not (_is_unclaimed(kind, name, stream) or _is_answered(kind, name, stream, resources, refusals)):
                return False
    for kind, names in step.awaited.items():
        for name in names:
            answered = _is_answered(kind, name, stream, resources, refusals)
            if not (answered or _will_not_be_asked_for(kind, name, resources, refusals)):
                return False
    return not stream.is_removing(step.remove)


def is_refused(step: Step, resources: Resources, refusals: Refusals) -> bool:
    """Whether Envoy refused something of this step that other resources name."""
    return any(
        refusals.has(kind, name, resources[kind][name].version)
        for kind in NAMED_BY_OTHERS
        for name in step.send.get(kind, ())
    )


def _is_answered(kind: Kind, name: str, stream: Stream, resources: Resources, refusals: Refusals) -> bool:
    """Whether Envoy has taken or refused the current version."""
    version = resources[kind][name].version
    return stream.has_acknowledged(kind, name, version) or refusals.has(kind, name, version)


def _is_unclaimed(kind: Kind, name: str, stream: Stream) -> bool:
    """Whether nothing at Envoy names the resource yet: Envoy will ask for it when something does.

    Never so for listeners and clusters: Envoy asks for all of them, only not yet while it is connecting.
    """
    return kind not in WILDCARD and not stream.wants(kind, name)


def _will_not_be_asked_for(kind: Kind, name: str, resources: Resources, refusals: Refusals) -> bool:
    """Whether all that names the resource was refused: a refused listener or cluster never asks for its parts."""
    if kind is Kind.ENDPOINTS:
        return (Kind.CLUSTER, name) in refusals
    listeners = resources[Kind.LISTENER].values()
    if kind is Kind.EXTENSION:
        parents = [listener for listener in listeners if name in extensions_of(listener.value)]
    else:
        parents = [listener for listener in listeners if name in listener.value.tables]
    return all((Kind.LISTENER, listener.name) in refusals for listener in parents)
