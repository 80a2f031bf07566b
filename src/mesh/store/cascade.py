"""What goes with an object that is deleted.

The store itself removes what it is told to and no more. Who deletes for a user (`mesh.api`) asks here first:

- An object goes at once, and with it everything whose ownerReferences name it, and theirs, in one commit: a
  Deployment with its ReplicaSets.
- A Pod does not go: it is *marked* with metadata.deletionTimestamp and deletionGracePeriodSeconds.
  `mesh.pods` reacts to the mark, ends the pod's processes and then deletes the Pod. So a rule disappears in
  the moment it is deleted, and the processes that it pointed to end in order behind it.
- An object with metadata.finalizers is marked with metadata.deletionTimestamp, and goes when the last of them is taken
  away; the API does that.
- A Namespace takes all objects in it. While pods of it are ending it stays, marked and in phase Terminating;
  `mesh.api.objects.collector` removes it with the last of them.
- A CustomResourceDefinition takes all objects of its kind.

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
    """The changes that delete `objects` and what goes with them, to be given to one `store.commit`.

    `grace` (seconds) replaces the pods' own terminationGracePeriodSeconds. With `orphan` the dependents stay,
    and forget their owner. An object that is already marked is not marked again, unless for a shorter grace.
    """
    found: dict[Ref, Change] = {}
    waiting = list(objects)
    named = {each.ref for each in waiting}
    now = time.time()
    while waiting:
        each = waiting.pop()
        if each.ref in found:
            continue
        if each.ref.group_kind == POD:
            found[each.ref] = _marked(each, now, grace)
            continue
        if each.ref.group_kind == NAMESPACE:
            inside = list(store.everything(each.ref.name))
            waiting += inside
            pods = any(one.ref.group_kind == POD for one in inside)
            found[each.ref] = _terminating(each, now) if pods else Delete(each.ref)
            continue
        if each.metadata.get("finalizers"):
            # It goes when the last finalizer is taken away, and its dependents with it.
            found[each.ref] = _finalizing(each, now)
            continue
        found[each.ref] = Delete(each.ref)
        if each.ref.group_kind == CUSTOM_RESOURCE_DEFINITION:
            waiting += _defined(store, each)
        dependents = store.dependents(each.uid)
        if orphan:
            found.update({one.ref: _orphaned(one, each.uid) for one in dependents if one.ref not in named})
        else:
            waiting += [one for one in dependents if one.ref not in found]
    return list(found.values())


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
