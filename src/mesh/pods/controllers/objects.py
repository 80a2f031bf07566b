"""The store as controllers of pods use it: changes that lose nobody else's, and an index of who owns what.

The controllers ask "which pods has this ReplicaSet?" at every event; the index answers without scanning all objects. It
takes in what is written here at once, and what others commit from the watch, in either order.
"""

import contextlib
import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from mesh.reconcile.writing import update, write_status
from mesh.resources.core.pod import DEFAULT_GRACE
from mesh.resources.validation.pod_defaults import fill_pod
from mesh.resources.validation.pod_priority import priority_of
from mesh.resources.values.body import Body
from mesh.resources.values.ref import CONTROLLER_REVISION, JOB, POD, REPLICA_SET, Ref
from mesh.store import Change, Delete, Event, NotFound, Put, Store, Stored

# The kinds whose objects controllers create.
CONTROLLED = (REPLICA_SET, POD, JOB, CONTROLLER_REVISION)


class Objects:
    """Reads and writes of one store, with an index of dependents by their controller's uid."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._owner: dict[Ref, str] = {}
        self._owned: defaultdict[str, dict[Ref, Stored]] = defaultdict(dict)
        self._uncontrolled: dict[Ref, Stored] = {}

    def load(self) -> int:
        """Fills the index; returns the store's version that it reflects."""
        self._owner.clear()
        self._owned.clear()
        self._uncontrolled.clear()
        for group, kind in CONTROLLED:
            for stored in self.store.list(group, kind):
                self._keep(stored)
        return self.store.version

    def take(self, event: Event) -> None:
        """Updates the index from an event of the watch."""
        ref = event.object.ref
        if ref.group_kind not in CONTROLLED:
            return
        # The store and not the event: the index must never be older than what this process has written itself.
        current = self.store.get(ref)
        if current is None:
            self._forget(ref)
        else:
            self._keep(current)

    def owned(self, uid: str) -> list[Stored]:
        """The objects that the object with this uid controls, by name."""
        return sorted(self._owned.get(uid, {}).values(), key=lambda stored: stored.ref.name)

    def uncontrolled(self, namespace: str) -> list[Stored]:
        """The objects of a namespace, of kinds that controllers create, that have no controller."""
        return [stored for ref, stored in self._uncontrolled.items() if ref.namespace == namespace]

    def orphans(self, uid: str) -> list[Stored]:
        """The objects that an object which is gone still controls: those that were orphaned on purpose do not."""
        current = (self.store.get(stored.ref) for stored in self.owned(uid))
        return [stored for stored in current if stored is not None and controller_uid(stored.body) == uid]

    def remove_orphans(self, uid: str) -> None:
        """Ends the pods, and removes whatever else an object that is gone still controls."""
        for stored in self.orphans(uid):
            if stored.ref.group_kind == POD:
                self.end_pod(stored.ref)
            else:
                self.delete(stored.ref)

    def create(self, ref: Ref, body: Body) -> Stored:
        """Stores a new object, a pod with the defaults of one. Raises Conflict when there is one of this name."""
        if ref.group_kind == POD:
            # The template's parts are its owner's, too.
            body = copy.deepcopy(body)
            self.complete_pod(body)
        stored = self.store.commit([Put(ref, body, 0)])[0]
        self._keep(stored)
        return stored

    def complete_pod(self, body: Body) -> None:
        """Writes what only a pod has, and no template, into a new pod: its defaults and its priority."""
        fill_pod(body)
        classes = [stored.body for stored in self.store.list("scheduling.k8s.io", "PriorityClass")]
        if priority := priority_of(body["spec"].get("priorityClassName", ""), classes):
            priority.write(body["spec"])

    def commit(self, changes: Sequence[Change]) -> list[Stored]:
        """Makes several changes as one. Raises StoreError when any of them cannot be made: then none is."""
        stored = self.store.commit(changes)
        for change, written in zip(changes, stored, strict=True):
            if isinstance(change, Delete):
                self._forget(change.ref)
            else:
                self._keep(written)
        return stored

    def update(self, ref: Ref, change: Callable[[Body], None]) -> Stored | None:
        """Lets `change` alter a copy of the object and stores it when it differs; None when there is no object."""
        written = update(self.store, ref, change)
        if written is not None:
            self._keep(written)
        return written

    def set_status(self, ref: Ref, status: Body) -> Stored | None:
        """Replaces an object's status when it differs; None when there is no object."""
        written = write_status(self.store, ref, status)
        if written is not None:
            self._keep(written)
        return written

    def delete(self, ref: Ref) -> None:
        """Removes an object; nothing when it is gone already."""
        with contextlib.suppress(NotFound):
            self.store.commit([Delete(ref)])
        self._forget(ref)

    def end_pod(self, ref: Ref) -> None:
        """Marks a pod for termination, as the API does for a delete; the pod's runner removes it once it has ended."""

        self.update(ref, mark_for_end)

    def _keep(self, stored: Stored) -> None:
        if stored.ref.group_kind not in CONTROLLED:
            return
        uid = controller_uid(stored.body)
        before = self._owner.get(stored.ref)
        # It has another controller now, or none.
        if before is not None and before != uid:
            self._forget(stored.ref)
        if uid:
            self._uncontrolled.pop(stored.ref, None)
            self._owner[stored.ref] = uid
            self._owned[uid][stored.ref] = stored
        else:
            self._uncontrolled[stored.ref] = stored

    def _forget(self, ref: Ref) -> None:
        self._uncontrolled.pop(ref, None)
        uid = self._owner.pop(ref, None)
        if uid is not None:
            self._owned[uid].pop(ref, None)
            if not self._owned[uid]:
                del self._owned[uid]


def mark_for_end(body: Body) -> None:
    """Marks a pod as being deleted. The first deletion decides when the grace period ends."""
    if "deletionTimestamp" not in body["metadata"]:
        grace = body.get("spec", {}).get("terminationGracePeriodSeconds", DEFAULT_GRACE)
        body["metadata"].update(deletionTimestamp=now(), deletionGracePeriodSeconds=grace)


def changed(stored: Stored, change: Callable[[Body], None]) -> Body:
    """The body as `change` leaves a copy of it."""
    body = copy.deepcopy(stored.body)
    change(body)
    return body


def controller(body: Body) -> Body | None:
    """The owner reference of an object's controller."""
    references: Iterable[Body] = body["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def controller_uid(body: Body) -> str:
    """The uid of the object's controller, or ""."""
    reference = controller(body)
    return str(reference["uid"]) if reference else ""


def owner_reference(owner: Stored) -> Body:
    """The reference that makes `owner` the controller of a new object."""
    return {
        "apiVersion": owner.body["apiVersion"],
        "kind": owner.ref.kind,
        "name": owner.ref.name,
        "uid": owner.body["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def now() -> str:
    """The time as Kubernetes writes it, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(moment: str) -> float:
    """Seconds since a time as Kubernetes writes it."""
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
