"""What can go wrong in the store.

StoreError
├── Conflict      the object is not (or no longer) at the version that the writer had seen
│   └── Exists    the writer wanted to create it, and it exists
├── NotFound      the object to delete does not exist
├── Expired       a watch asks for, or has fallen behind to, versions that are no longer kept
├── Locked        another process has the file open
└── Damaged       the file is not a store, is broken, or was written by a newer mesh-mall
"""

from mesh.resources.values.ref import Ref


class StoreError(Exception):
    """The operation failed and nothing was changed. The message names the file or the object."""


class Conflict(StoreError):
    """`actual` is the version that is stored, None when the object is gone."""

    def __init__(self, ref: Ref, expected: int | None, actual: int | None) -> None:
        self.ref = ref
        self.expected = expected
        self.actual = actual
        there = "it is gone" if actual is None else f"it is at version {actual}"
        super().__init__(f"{ref}: the change is based on version {expected}, but {there}; read it again")


class Exists(Conflict):
    """The object to create exists already."""

    def __init__(self, ref: Ref, actual: int) -> None:
        super().__init__(ref, 0, actual)
        self.args = (f"{ref}: already exists, at version {actual}",)


class NotFound(StoreError):
    """The object does not exist."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        super().__init__(f"{ref}: not found")


class Expired(StoreError):
    """The events after `since` are no longer available (HTTP 410): list again, then watch from there."""

    def __init__(self, since: int, oldest: int, newest: int) -> None:
        self.since = since
        super().__init__(f"version {since} is not available; the log has the events after {oldest}, up to {newest}")


class Locked(StoreError):
    """Another process has the file open."""


class Damaged(StoreError):
    """The file cannot be read by this program."""
