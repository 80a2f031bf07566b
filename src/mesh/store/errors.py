"""What can go wrong in the store.

StoreError
├── Conflict      the object is not (or no longer) at the version that the writer had seen
│   └── Exists    the writer wanted to create it, and it is there
├── NotFound      the object to delete is not there
├── Expired       a watch asks for, or has fallen behind to, versions that are no longer kept
├── Locked        another process has the file open
└── Damaged       the file is no store, is broken, or was written by a newer mesh-mall
"""

from mesh.resources.values.ref import Ref


class StoreError(Exception):
    """The store could not do it; nothing was changed. The message names the file or the object."""


class Conflict(StoreError):
    """`found` is the version that is stored, None when the object is gone."""

    def __init__(self, ref: Ref, expected: int | None, found: int | None) -> None:
        self.ref = ref
        self.expected = expected
        self.found = found
        there = "it is gone" if found is None else f"it is at version {found}"
        super().__init__(f"{ref}: the change was made for version {expected}, {there}; read it again")


class Exists(Conflict):
    """The object was to be created and is there."""

    def __init__(self, ref: Ref, found: int) -> None:
        super().__init__(ref, 0, found)
        self.args = (f"{ref}: exists already, at version {found}",)


class NotFound(StoreError):
    """The object is not there."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        super().__init__(f"{ref}: not found")


class Expired(StoreError):
    """The events since `since` are not known any more (HTTP 410); list again, then watch from there."""

    def __init__(self, since: int, oldest: int, newest: int) -> None:
        self.since = since
        super().__init__(f"version {since} is not kept: the events kept are those after {oldest}, to {newest}")


class Locked(StoreError):
    """Another process has the file open."""


class Damaged(StoreError):
    """The file is not one that this program can read."""
