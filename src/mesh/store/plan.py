"""What a commit would do, worked out before anything changes."""

import uuid
from collections.abc import Callable

from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from mesh.store.errors import Conflict, Exists, NotFound
from mesh.store.objects import Change, Decode, Delete, Event, Put, Stored

# Metadata that only the store writes.
SERVER_FIELDS = ("uid", "creationTimestamp", "generation", "resourceVersion")
# A change of these leaves the generation as it is.
WITHOUT_GENERATION = frozenset(("metadata", "status"))


class Plan:
    """Collects the events of a commit; `version` is the store's after it."""

    def __init__(
        self, get: Callable[[Ref], Stored | None], version: int, decode: Decode, now: Callable[[], str]
    ) -> None:
        self._get = get
        self._decode = decode
        self._now = now
        # States after the changes so far: several changes of one commit may concern one object.
        self._states: dict[Ref, Stored | None] = {}
        self.version = version
        self.events: list[Event] = []

    def apply(self, change: Change) -> Stored:
        """Adds a change; returns the state after it. Raises Conflict, Exists or NotFound."""
        ref = change.ref
        present = self._states[ref] if ref in self._states else self._get(ref)
        _require_version(change, present)
        if isinstance(change, Delete):
            if present is None:
                raise NotFound(ref)
            return self._delete(present)
        return self._put(change, present)

    def _delete(self, present: Stored) -> Stored:
        self.version += 1
        metadata = {**present.body["metadata"], "resourceVersion": str(self.version)}
        last = self._stored(present.ref, {**present.body, "metadata": metadata})
        self._add(Event("DELETED", last, self.version, present), None)
        return last

    def _put(self, change: Put, present: Stored | None) -> Stored:
        metadata = _metadata(change, present, self._now)
        body = {**change.body, "metadata": metadata}
        if present is not None:
            if body == present.body:
                return present
            if _specification(body) != _specification(present.body):
                metadata["generation"] = present.body["metadata"].get("generation", 0) + 1
        self.version += 1
        metadata["resourceVersion"] = str(self.version)
        stored = self._stored(change.ref, body)
        self._add(Event("MODIFIED" if present else "ADDED", stored, self.version, present), stored)
        return stored

    def _stored(self, ref: Ref, body: Body) -> Stored:
        return Stored(ref, self.version, body, self._decode)

    def _add(self, event: Event, state: Stored | None) -> None:
        self.events.append(event)
        self._states[event.object.ref] = state


def _require_version(change: Change, present: Stored | None) -> None:
    expected = change.if_version
    if expected is None:
        return
    version = present.version if present else None
    if expected == 0:
        if version is not None:
            raise Exists(change.ref, version)
    elif expected != version:
        raise Conflict(change.ref, expected, version)


def _metadata(change: Put, present: Stored | None, now: Callable[[], str]) -> Body:
    metadata = dict(change.body.get("metadata") or {})
    metadata["name"] = change.ref.name
    if change.ref.namespace:
        metadata["namespace"] = change.ref.namespace
    if present is None:
        metadata.update(uid=change.uid or str(uuid.uuid4()), creationTimestamp=now(), generation=1)
        return metadata
    for name in SERVER_FIELDS:
        metadata[name] = present.body["metadata"][name]
    return metadata


def _specification(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in WITHOUT_GENERATION}
