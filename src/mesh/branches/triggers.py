"""Which branches have to be reconciled after a change in the store. Pure."""

from collections.abc import Iterator, Mapping

from mesh.branches.record import Key, Record
from mesh.resources.meshmall.branch import DATA_RESET
from mesh.resources.values.ref import (
    BRANCH,
    DEPLOYMENT,
    DESTINATION_RULE,
    GATEWAYS,
    PERSISTENT_VOLUME_CLAIM,
    SERVICE,
    STATEFUL_SET,
    GroupKind,
)
from mesh.store import Event


def affected(event: Event, records: Mapping[Key, Record]) -> set[Key]:
    """The branches whose Deployments or status a change can concern.

    A change of nothing but a status is none, except where it makes a Deployment's pods available or unavailable: the
    controller writes statuses itself, and must not be woken by its own writing.
    """
    ref = event.object.ref
    if ref.group_kind == BRANCH:
        if event.type != "MODIFIED" or _specification_changed(event) or _reset(event):
            return {Key(ref.namespace, ref.name), *including(ref.namespace, records)}
    elif ref.group_kind == PERSISTENT_VOLUME_CLAIM:
        # A store is copied again once its former copy is gone.
        owner = _owner(event)
        return {Key(ref.namespace, owner["name"])} if owner is not None else set()
    elif ref.group_kind in (DEPLOYMENT, STATEFUL_SET):
        owner = _owner(event)
        if owner is not None:
            return {Key(ref.namespace, owner["name"]), *including(ref.namespace, records)}
        # A baseline: forks copy its template, and versions count its available pods.
        if _specification_changed(event) or _availability_changed(event):
            return set(_in_namespace(ref.namespace, records))
    elif ref.group_kind in (SERVICE, DESTINATION_RULE) and _specification_changed(event):
        return set(_in_namespace(ref.namespace, records))
    elif ref.group_kind in GATEWAYS and event.type != "MODIFIED":
        return set(records)  # with the first gateway every branch has an address, with the last one none
    return set()


def _owner(event: Event) -> Mapping[str, str] | None:
    """The branch that an object belongs to."""
    owners = event.object.metadata.get("ownerReferences", ())
    return next((owner for owner in owners if GroupKind.of(owner) == BRANCH), None)


def including(namespace: str, records: Mapping[Key, Record]) -> Iterator[Key]:
    """Branches that include others: what one of those does shows in their status, too."""
    return (key for key in _in_namespace(namespace, records) if records[key].branch.spec.includes)


def _in_namespace(namespace: str, records: Mapping[Key, Record]) -> Iterator[Key]:
    return (key for key in records if key.namespace == namespace)


def _specification_changed(event: Event) -> bool:
    if event.previous is None or event.type == "DELETED":
        return True
    return bool(event.previous.body.get("spec") != event.object.body.get("spec"))


def _reset(event: Event) -> bool:
    """Whether the branch's data is to be made anew."""
    before = (event.previous.metadata.get("annotations") or {}) if event.previous is not None else {}
    return bool(before.get(DATA_RESET) != (event.object.metadata.get("annotations") or {}).get(DATA_RESET))


def _availability_changed(event: Event) -> bool:
    before = (event.previous.body.get("status") or {}) if event.previous is not None else {}
    after = event.object.body.get("status") or {}
    return bool(before.get("availableReplicas", 0) != after.get("availableReplicas", 0))
