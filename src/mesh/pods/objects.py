"""The store as the pods' room uses it: changes that do not lose anybody else's, and who owns what."""

import contextlib
import copy
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from mesh.resources.ref import Ref
from mesh.store import Conflict, Delete, NotFound, Put, Store, Stored

Body = dict[str, Any]


class Objects:
    """Reads and writes of one store, as controllers make them."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def owned(self, uid: str, kind: str) -> list[Stored]:
        """The objects of a kind that the object with this uid controls, by name."""
        return [s for s in self.store.dependents(uid) if s.ref.kind == kind and controller_uid(s.body) == uid]

    def create(self, ref: Ref, body: Body) -> Stored:
        """Stores a new object. Raises Conflict when there is one of this name."""
        return self.store.commit([Put(ref, body, 0)])[0]

    def update(self, ref: Ref, change: Callable[[Body], None]) -> Stored | None:
        """Lets `change` alter a copy of the object and stores it when it differs; None when there is no object."""
        while True:
            stored = self.store.get(ref)
            if stored is None:
                return None
            body = copy.deepcopy(stored.body)
            change(body)
            if body == stored.body:
                return stored
            try:
                return self.store.commit([Put(ref, body, stored.version)])[0]
            except Conflict:
                continue

    def set_status(self, ref: Ref, status: Body) -> Stored | None:
        """Replaces an object's status."""
        return self.update(ref, lambda body: body.__setitem__("status", status))

    def delete(self, ref: Ref) -> None:
        """Removes an object; nothing when it is gone already."""
        with contextlib.suppress(NotFound):
            self.store.commit([Delete(ref)])
        self._forget(ref)

    def end_pod(self, ref: Ref) -> None:
        """Marks a pod as to be ended, as the API does at a delete: the pod's runner removes it when it has ended."""

        def mark(body: Body) -> None:
            if "deletionTimestamp" not in body["metadata"]:
                grace = body.get("spec", {}).get("terminationGracePeriodSeconds", 30)
                body["metadata"].update(deletionTimestamp=now(), deletionGracePeriodSeconds=grace)

        self.update(ref, mark)


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


def condition(conditions: list[Body], kind: str) -> Body | None:
    """The condition of a type."""
    return next((c for c in conditions if c["type"] == kind), None)
