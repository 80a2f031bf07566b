"""The store: every object of the mesh in memory, at versions that only grow, with a file beneath.

It knows nothing of what objects mean. Commits are synchronous and atomic, so that between two `await`s of a
single event loop a reader sees one state: `store.watch()` and `store.list()` in a row miss nothing and repeat
nothing. Not for several threads.

Kinds that describe what runs at the moment (`KindDefinition.kept` is False) are not written to the file: after a
restart they are made anew by who runs things.
"""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from mesh.store.decoding import decode, identity, kept
from mesh.store.errors import Conflict, Exists, NotFound
from mesh.store.file import StoreFile
from mesh.store.objects import Change, Decode, Delete, Event, Put, Stored
from mesh.store.watch import Log, Watch

log = logging.getLogger(__name__)
T = TypeVar("T")
# `list` is a method below, so that the type needs other names in there.
Objects = list[Stored]
Structs = list[T]
VERSIONS_AHEAD = 10_000
LOG_LENGTH = 4_096


def timestamp() -> str:
    """Now, as metadata.creationTimestamp is written (RFC 3339, UTC, whole seconds)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Store:
    """All objects. Make one with `Store.open`."""

    def __init__(self, file: StoreFile | None, *, log_length: int, decode: Decode, now: Callable[[], str]) -> None:
        self._file = file
        self._decode = decode
        self._now = now
        self._kinds: dict[tuple[str, str], dict[tuple[str, str], Stored]] = {}
        self._order: dict[tuple[str, str], list[Stored]] = {}
        self._owned: dict[str, set[Ref]] = {}
        self._undecodable: dict[Ref, tuple[int, str]] = {}
        self.version = 0
        self._ceiling = 0
        if file is not None:
            for ref, version, body in file.load():
                self._remember(Stored(ref, version, body, decode))
                self.version = max(self.version, version)
            # Versions given to objects in memory only were never written: go on where none can have been.
            self.version = self._ceiling = max(self.version, file.ceiling())
        self._log = Log(log_length, self.version)

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        log_length: int = LOG_LENGTH,
        decode: Decode = decode,
        now: Callable[[], str] = timestamp,
    ) -> "Store":
        """Opens (or makes) the file at `path` for this process alone; None keeps everything in memory only.

        Raises Locked when another process has it, Damaged when it cannot be read, StoreError when the disk
        refuses.
        """
        return cls(StoreFile(path) if path else None, log_length=log_length, decode=decode, now=now)

    def get(self, ref: Ref) -> Stored | None:
        """The object as it is now, None when there is none."""
        return self._kinds.get((ref.group, ref.kind), {}).get((ref.namespace, ref.name))

    def list(self, group: str, kind: str, namespace: str | None = None) -> Objects:
        """All objects of a kind (in one namespace), sorted by namespace and name."""
        key = (group, kind)
        order = self._order.get(key)
        if order is None:
            found = self._kinds.get(key, {})
            order = self._order[key] = [found[name] for name in sorted(found)]
        return [each for each in order if each.ref.namespace == namespace] if namespace else order.copy()

    def of(self, type_: type[T], namespace: str | None = None) -> Structs[T]:
        """All objects of a kind as its structs: `store.of(Deployment, "mesh")`, sorted as in `list`.

        An object that does not fit its kind is left out: it was stored by another version of this program, or has a
        status that somebody else wrote, and must not hide all others. `undecodable` names it.
        """
        group, kind = identity(type_)
        structs = []
        for stored in self.list(group, kind, namespace):
            try:
                structs.append(stored.typed)
            except msgspec.ValidationError as error:
                self._report_undecodable(stored, str(error))
        return structs

    @property
    def undecodable(self) -> Mapping[Ref, str]:
        """Objects that `of` left out, as they are stored now: what does not fit, by object."""
        current = ((ref, self.get(ref), entry) for ref, entry in self._undecodable.items())
        return {ref: why for ref, stored, (version, why) in current if stored is not None and stored.version == version}

    def _report_undecodable(self, stored: Stored, reason: str) -> None:
        if self._undecodable.get(stored.ref) != (stored.version, reason):
            self._undecodable[stored.ref] = (stored.version, reason)
            log.error("%s is set aside: as it is stored it is no valid %s: %s", stored.ref, stored.ref.kind, reason)

    def everything(self, namespace: str | None = None) -> Iterable[Stored]:
        """All objects of all kinds (in one namespace), in no order."""
        for kind in tuple(self._kinds.values()):
            for each in tuple(kind.values()):
                if not namespace or each.ref.namespace == namespace:
                    yield each

    def dependents(self, uid: str) -> Objects:
        """The objects whose metadata.ownerReferences name this uid, sorted by kind, namespace and name."""
        return [each for ref in sorted(self._owned.get(uid, ())) if (each := self.get(ref)) is not None]

    def commit(self, changes: Sequence[Change]) -> Objects:
        """Applies all changes, in order, or none; returns the state after each (of a Delete, the last one).

        Every object that changes gets a version of its own (metadata.resourceVersion, a growing number). A
        new one gets uid, creationTimestamp and generation 1; generation grows when anything but metadata and
        status changes. A Put that equals what is stored changes nothing and tells nobody.

        Raises Conflict, Exists or NotFound for the first change that does not fit, StoreError when the file
        cannot be written. After any of them nothing has changed.
        """
        plan = _Plan(self)
        states = [plan.apply(change) for change in changes]
        if plan.events:
            self._write(plan)
            self.version = plan.version
            for event in plan.events:
                self._follow(event)
            self._log.append(plan.events)
        return states

    def watch(
        self,
        group: str | None = None,
        kind: str | None = None,
        namespace: str | None = None,
        since: int | None = None,
    ) -> Watch:
        """Events from now on (`since` None), after version `since`, or (0) of all there is, then from now on.

        With `since=0` every object comes as ADDED first. Raises Expired when the events after `since` are not
        kept any more, or `since` lies in the future. See `Watch` for reading and closing.
        """
        first: list[Event] = []
        place = self._log.end()
        if since == 0:
            first = [Event("ADDED", each, each.version) for each in self._present(group, kind, namespace)]
        elif since is not None:
            place = self._log.place(since)
        return Watch(self._log, place, group=group, kind=kind, namespace=namespace, first=first)

    def close(self) -> None:
        """Ends all watches and closes the file. Idempotent."""
        self._log.close()
        file, self._file = self._file, None
        if file is not None:
            try:
                file.write((), (), self.version)
            finally:
                file.close()

    def _present(self, group: str | None, kind: str | None, namespace: str | None) -> Iterable[Stored]:
        for key in sorted(self._kinds):
            if group in (None, key[0]) and kind in (None, key[1]):
                yield from self.list(*key, namespace)

    def _write(self, plan: "_Plan") -> None:
        if self._file is None:
            return
        last = {event.object.ref: event for event in plan.events if kept(event.object.ref)}
        ceiling = plan.version + VERSIONS_AHEAD if plan.version > self._ceiling else None
        if last or ceiling:
            puts = [(ref, e.object.version, e.object.body) for ref, e in last.items() if e.type != "DELETED"]
            self._file.write(puts, [ref for ref, e in last.items() if e.type == "DELETED"], ceiling)
            self._ceiling = ceiling or self._ceiling

    def _follow(self, event: Event) -> None:
        if event.previous is not None:
            self._forget(event.previous)
        if event.type != "DELETED":
            self._remember(event.object)

    def _remember(self, stored: Stored) -> None:
        ref = stored.ref
        key = (ref.group, ref.kind)
        self._kinds.setdefault(key, {})[ref.namespace, ref.name] = stored
        self._order.pop(key, None)
        for owner in stored.body["metadata"].get("ownerReferences", ()):
            self._owned.setdefault(owner["uid"], set()).add(ref)

    def _forget(self, stored: Stored) -> None:
        ref = stored.ref
        key = (ref.group, ref.kind)
        del self._kinds[key][ref.namespace, ref.name]
        self._order.pop(key, None)
        for owner in stored.body["metadata"].get("ownerReferences", ()):
            owned = self._owned[owner["uid"]]
            owned.discard(ref)
            if not owned:
                del self._owned[owner["uid"]]

    def _stored(self, ref: Ref, version: int, body: Body) -> Stored:
        return Stored(ref, version, body, self._decode)


class _Plan:
    """What a commit would do, worked out beside the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[Ref, Stored | None] = {}
        self.version = store.version
        self.events: list[Event] = []

    def apply(self, change: Change) -> Stored:
        ref = change.ref
        present = self._seen[ref] if ref in self._seen else self._store.get(ref)
        _check(change, present)
        if isinstance(change, Delete):
            if present is None:
                raise NotFound(ref)
            return self._delete(present)
        return self._put(change, present)

    def _delete(self, present: Stored) -> Stored:
        self.version += 1
        metadata = {**present.body["metadata"], "resourceVersion": str(self.version)}
        last = self._store._stored(present.ref, self.version, {**present.body, "metadata": metadata})
        self._tell(Event("DELETED", last, self.version, present), None)
        return last

    def _put(self, change: Put, present: Stored | None) -> Stored:
        metadata = _metadata(change, present, self._store._now)
        body = {**change.body, "metadata": metadata}
        if present is not None:
            if body == present.body:
                return present
            if _specification(body) != _specification(present.body):
                metadata["generation"] = present.body["metadata"].get("generation", 0) + 1
        self.version += 1
        metadata["resourceVersion"] = str(self.version)
        stored = self._store._stored(change.ref, self.version, body)
        self._tell(Event("MODIFIED" if present else "ADDED", stored, self.version, present), stored)
        return stored

    def _tell(self, event: Event, state: Stored | None) -> None:
        self.events.append(event)
        self._seen[event.object.ref] = state


def _check(change: Change, present: Stored | None) -> None:
    expected = change.if_version
    if expected is None:
        return
    found = present.version if present else None
    if expected == 0:
        if found is not None:
            raise Exists(change.ref, found)
    elif expected != found:
        raise Conflict(change.ref, expected, found)


def _metadata(change: Put, present: Stored | None, now: Callable[[], str]) -> dict[str, Any]:
    metadata = dict(change.body.get("metadata") or {})
    metadata["name"] = change.ref.name
    if change.ref.namespace:
        metadata["namespace"] = change.ref.namespace
    if present is None:
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now(), generation=1)
        return metadata
    for name in STORES_OWN:
        metadata[name] = present.body["metadata"][name]
    return metadata


STORES_OWN = ("uid", "creationTimestamp", "generation", "resourceVersion")
ASIDE: Collection[str] = ("metadata", "status")


def _specification(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in ASIDE}
