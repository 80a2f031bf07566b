"""Versioned objects with watch, kept in SQLite.

`Store` has the objects and reports their changes; `mesh.store.cascade` works out what is deleted along with an object.
"""

from mesh.store.errors import Conflict, Damaged, Exists, Expired, Locked, NotFound, StoreError
from mesh.store.objects import Change, Delete, Event, Put, Stored
from mesh.store.store import Store, timestamp
from mesh.store.watch import Watch

__all__ = [
    "Change",
    "Conflict",
    "Damaged",
    "Delete",
    "Event",
    "Exists",
    "Expired",
    "Locked",
    "NotFound",
    "Put",
    "Store",
    "StoreError",
    "Stored",
    "Watch",
    "timestamp",
]
