"""What is deleted along with an object.

The store itself removes exactly what a commit says. Whoever deletes for a user (`mesh.api`) asks here first:

- An object is removed at once, and with it everything whose ownerReferences name it, recursively, in one commit: a
  Deployment with its ReplicaSets.
- A Pod is not removed: it is *marked* with metadata.deletionTimestamp and deletionGracePeriodSeconds.
  `mesh.pods` reacts to the mark, terminates the pod's processes and then deletes the Pod. So a rule disappears the
  moment it is deleted, and the processes behind it terminate in order afterwards.
- An object with metadata.finalizers is marked with metadata.deletionTimestamp. It is removed with the last finalizer,
  by the API.
- A Namespace takes all objects in it along. While pods in it are terminating, or finalizers are left, it stays, marked
  and in phase Terminating; `mesh.api.objects.collector` removes it with the last of them.
- A CustomResourceDefinition takes all objects of its kind along.

Pure: reads the store, returns changes.
"""

import time
from collections.abc import Iterable
from typing import Any

from mesh.resources.core.pod import DEFAULT_GRACE
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.ref import CUSTOM_RESOURCE_DEFINITION, NAMESPACE, POD, Ref
from mesh.store.objects import Change, Delete, Put, Stored
from mesh.store.store import Store


def removal(store: Store, objects: Iterable[Stored], *, grace: int | None = None, orphan: bool = False) -> list[Change]:
    """The changes that delete `objects` and what goes with them, for one `store.commit`.

    `grace` (seconds) replaces the pods' own terminationGracePeriodSeconds. With `orphan` the dependents stay and lose
    their owner reference. An object that is already marked is not marked again, except for a shorter grace.
    """
    changes: dict[Ref, Change] = {}
    pending = list(objects)
    requested = {stored.ref for stored in pending}
    now = time.time()
    while pending:
        stored = pending.pop()
        if stored.ref in changes:
            continue
        if stored.ref.group_kind == POD:
            changes[stored.ref] = _marked(stored, now, grace)
            continue
        if stored.ref.group_kind == NAMESPACE:
            inside = list(store.everything(stored.ref.name))
            pending += inside
            # These go later: pods when their processes have ended, others with their last finalizer.
            waits = any(inner.ref.group_kind == POD or inner.metadata.get("finalizers") for inner in inside)
            changes[stored.ref] = _terminating(stored, now) if waits else Delete(stored.ref)
            continue
        if stored.metadata.get("finalizers"):
            # Its dependents stay as long as it does.
            changes[stored.ref] = _finalizing(stored, now)
            continue
        changes[stored.ref] = Delete(stored.ref)
        if stored.ref.group_kind == CUSTOM_RESOURCE_DEFINITION:
            pending += _defined(store, stored)
        dependents = store.dependents(stored.uid)
        if orphan:
            changes.update({d.ref: _orphaned(d, stored.uid) for d in dependents if d.ref not in requested})
        else:
            pending += [dependent for dependent in dependents if dependent.ref not in changes]
    return list(changes.values())


def _defined(store: Store, definition: Stored) -> list[Stored]:
    """The objects of a kind that a user has defined; none when the mesh has the kind itself."""
    spec = definition.body["spec"]
    group, kind = spec["group"], spec["names"]["kind"]
    return [] if REGISTRY.by_kind(group, kind) else store.list(group, kind)


def rfc3339(seconds: float) -> str:
    """A time since the epoch, as deletionTimestamp is written."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _with_metadata(stored: Stored, **changes: Any) -> dict[str, Any]:
    return {**stored.body, "metadata": {**stored.metadata, **changes}}


def _marked(pod: Stored, now: float, grace: int | None) -> Put:
    own = pod.body.get("spec", {}).get("terminationGracePeriodSeconds", DEFAULT_GRACE)
    status = pod.body.get("status") or {}
    if status.get("phase") == "Pending" and not status.get("podIP") and not status.get("containerStatuses"):
        # Nothing of it has been started: there is nothing to wait for.
        own = 0
    seconds = own if grace is None else max(0, grace)
    before = pod.metadata.get("deletionGracePeriodSeconds")
    if pod.metadata.get("deletionTimestamp") and (before is None or before <= seconds):
        return Put(pod.ref, pod.body)
    return Put(
        pod.ref,
        _with_metadata(pod, deletionTimestamp=rfc3339(now + seconds), deletionGracePeriodSeconds=int(seconds)),
    )


def _finalizing(stored: Stored, now: float) -> Put:
    when = stored.metadata.get("deletionTimestamp") or rfc3339(now)
    return Put(stored.ref, _with_metadata(stored, deletionTimestamp=when, deletionGracePeriodSeconds=0))


def _terminating(namespace: Stored, now: float) -> Put:
    when = namespace.metadata.get("deletionTimestamp") or rfc3339(now)
    body = _with_metadata(namespace, deletionTimestamp=when)
    return Put(namespace.ref, {**body, "status": {**body.get("status", {}), "phase": "Terminating"}})


def _orphaned(dependent: Stored, uid: str) -> Put:
    owners = [owner for owner in dependent.metadata.get("ownerReferences", ()) if owner["uid"] != uid]
    metadata = {**dependent.metadata, "ownerReferences": owners}
    if not owners:
        del metadata["ownerReferences"]
    return Put(dependent.ref, {**dependent.body, "metadata": metadata})
