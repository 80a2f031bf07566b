"""Writing objects without losing anybody else's change, and only when something differs.

The store is used from one event loop and commits synchronously. Nothing here awaits between the read and the commit, so
no other writer can come between the two: what is written rests on the newest state, and there is no conflict to retry.
"""

import copy
from collections.abc import Callable, Iterable

from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store, Stored


def update(store: Store, ref: Ref, change: Callable[[Body], None]) -> Stored | None:
    """Lets `change` alter a copy of the object, and stores the copy when it differs.

    Returns the object as it is stored now, None when there is none. Raises StoreError when the file cannot be
    written; nothing has changed then.
    """
    stored = store.get(ref)
    if stored is None:
        return None
    body = copy.deepcopy(stored.body)
    change(body)
    if body == stored.body:
        return stored
    return store.commit([Put(ref, body, stored.version)])[0]


def write_statuses(store: Store, statuses: Iterable[tuple[Ref, Body]]) -> list[Stored]:
    """Replaces the statuses that differ, in one commit; returns the objects that changed.

    An object that is gone meanwhile is left out. `statuses` may be a generator that reads the store. Raises StoreError
    when the file cannot be written; nothing has changed then.
    """
    changes = [
        Put(ref, {**stored.body, "status": status}, stored.version)
        for ref, status in statuses
        if (stored := store.get(ref)) is not None and stored.body.get("status") != status
    ]
    return store.commit(changes) if changes else []


def write_status(store: Store, ref: Ref, status: Body) -> Stored | None:
    """Replaces one object's status when it differs; returns the object as it is stored now, None when it is gone."""
    write_statuses(store, [(ref, status)])
    return store.get(ref)
