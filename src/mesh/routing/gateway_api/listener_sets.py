"""Which ListenerSets add listeners to which Gateways, and why others do not. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mesh.resources.core.config import NAMESPACE_LABEL
from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.types import GROUP, Gateway
from mesh.resources.values.meta import LabelSelector
from mesh.resources.values.selectors import selects
from mesh.routing.gateway_api.references import Problem
from mesh.routing.world import World


class AttachedSets(NamedTuple):
    """The ListenerSets of each Gateway, oldest first; and those that a Gateway does not allow, with the reason."""

    by_gateway: Mapping[tuple[str, str], Sequence[ListenerSet]]
    refused: Sequence[tuple[ListenerSet, Problem]]


def attached_sets(world: World, gateways: Sequence[Gateway]) -> AttachedSets:
    """What becomes of the ListenerSets of one world. One whose parent is not served here is not mentioned at all: it
    is another controller's, or its Gateway is still to come."""
    served = {(gateway.metadata.namespace, gateway.metadata.name): gateway for gateway in gateways}
    by_gateway: dict[tuple[str, str], list[ListenerSet]] = defaultdict(list)
    refused = []
    for listener_set in world.listener_sets:
        parent = listener_set.spec.parent_ref
        key = (parent.namespace or listener_set.metadata.namespace, parent.name)
        gateway = served.get(key) if (parent.group, parent.kind) == (GROUP, "Gateway") else None
        if gateway is None:
            continue
        if _allows(gateway, listener_set.metadata.namespace, world):
            by_gateway[key].append(listener_set)
        else:
            message = (
                f"spec.allowedListeners of Gateway {'/'.join(key)} does not allow ListenerSets of namespace "
                f"{listener_set.metadata.namespace}"
            )
            refused.append((listener_set, Problem("NotAllowed", message)))
    return AttachedSets(by_gateway, refused)


def _allows(gateway: Gateway, namespace: str, world: World) -> bool:
    allowed = gateway.spec.allowed_listeners.namespaces
    if allowed.from_ in ("All", "Same"):
        return allowed.from_ == "All" or namespace == gateway.metadata.namespace
    return allowed.from_ == "Selector" and in_namespaces(allowed.selector, namespace, world)


def in_namespaces(selector: LabelSelector | None, namespace: str, world: World) -> bool:
    """Whether a selector of namespaces selects one by its labels."""
    # Kubernetes puts this label on every Namespace.
    labels = {NAMESPACE_LABEL: namespace, **world.namespaces.get(namespace, {})}
    return selector is not None and selects(selector, labels)
