"""The store: every object of the mesh in memory, at versions that only grow, backed by a file.

It knows nothing about what objects mean. Commits are synchronous and atomic, so between two `await`s of a single event
loop a reader sees one state: `store.watch()` and `store.list()` in a row miss nothing and repeat nothing. Not for use
from several threads.

Kinds that describe what is running at the moment (`KindDefinition.persistent` is False) are not written to the file:
after a restart, whoever runs things creates them anew.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mesh.resources.values.ref import Ref
from mesh.store.decoding import decode, identity, is_persistent
from mesh.store.file import StoreFile
from mesh.store.objects import Change, Decode, Event, Stored
from mesh.store.plan import Plan
from mesh.store.watch import Log, Watch

log = logging.getLogger(__name__)
T = TypeVar("T")
# `list` is a method of Store, so the type needs other names there.
Objects = list[Stored]
Structs = list[T]
# How far ahead of the highest version the file's ceiling is written: most commits need not write it.
VERSIONS_AHEAD = 10_000
# Events that a watch can fall behind before it has to list again.
LOG_LENGTH = 4_096


def timestamp() -> str:
    """Now, as metadata.creationTimestamp is written (RFC 3339, UTC, whole seconds)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Store:
    """All objects. Create one with `Store.open`."""

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
            # Versions of objects that are in memory only were never written: continue where none can have been.
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
        """Opens (or creates) the file at `path` for this process alone; None keeps everything in memory.

        Raises Locked when another process has it open, Damaged when it cannot be read, StoreError for errors of the
        disk.
        """
        return cls(StoreFile(path) if path else None, log_length=log_length, decode=decode, now=now)

    def get(self, ref: Ref) -> Stored | None:
        """The object as it is now, None when there is none."""
        return self._kinds.get((ref.group, ref.kind), {}).get((ref.namespace, ref.name))

    def kinds(self) -> "list[tuple[str, str]]":
        """Group and kind of everything that has objects, sorted."""
        return sorted(key for key, objects in self._kinds.items() if objects)

    def list(self, group: str, kind: str, namespace: str | None = None) -> Objects:
        """All objects of a kind (in one namespace), sorted by namespace and name."""
        key = (group, kind)
        order = self._order.get(key)
        if order is None:
            objects = self._kinds.get(key, {})
            order = self._order[key] = [objects[name] for name in sorted(objects)]
        return [stored for stored in order if stored.ref.namespace == namespace] if namespace else order.copy()

    def list_at(self, group: str, kind: str, namespace: str | None, version: int) -> Objects:
        """`list` as it was at an earlier version. Raises Expired when the events since then are not all kept."""
        later = self._log.read(self._log.place(version))
        of_kind = [e for e in later if e.object.ref.group == group and e.object.ref.kind == kind]
        objects = {(stored.ref.namespace, stored.ref.name): stored for stored in self.list(group, kind, namespace)}
        # Backwards: the state before the first of several changes of an object is the one to restore.
        for event in reversed(of_kind):
            ref = event.object.ref
            if namespace and ref.namespace != namespace:
                continue
            if event.previous is None:
                objects.pop((ref.namespace, ref.name), None)
            else:
                objects[ref.namespace, ref.name] = event.previous
        return [objects[name] for name in sorted(objects)]

    def of(self, type_: type[T], namespace: str | None = None) -> Structs[T]:
        """All objects of a kind as its structs: `store.of(Deployment, "mesh")`, sorted as in `list`.

        An object that does not fit its kind is left out: it was stored by another version of this program, or has a
        status that somebody else wrote, and must not hide all others. `undecodable` names it.
        """
        group, kind = identity(type_)
        objects = (self.typed(stored) for stored in self.list(group, kind, namespace))
        return [typed for typed in objects if typed is not None]

    def typed(self, stored: Stored) -> Any | None:
        """One object as its kind's struct; None, and an entry in `undecodable`, when it does not fit its kind."""
        try:
            return stored.typed
        except msgspec.ValidationError as error:
            self._report_undecodable(stored, str(error))
            return None

    @property
    def undecodable(self) -> Mapping[Ref, str]:
        """Objects that `of` and `typed` left out, as they are stored now: what does not fit, by object."""
        current = ((ref, self.get(ref), entry) for ref, entry in self._undecodable.items())
        return {ref: why for ref, stored, (version, why) in current if stored is not None and stored.version == version}

    def _report_undecodable(self, stored: Stored, reason: str) -> None:
        if self._undecodable.get(stored.ref) != (stored.version, reason):
            self._undecodable[stored.ref] = (stored.version, reason)
            log.error("%s is set aside, since it is stored as something that is not valid: %s", stored.ref, reason)

    def everything(self, namespace: str | None = None) -> Iterable[Stored]:
        """All objects of all kinds (in one namespace), in no order."""
        for kind in tuple(self._kinds.values()):
            for stored in tuple(kind.values()):
                if not namespace or stored.ref.namespace == namespace:
                    yield stored

    def dependents(self, uid: str) -> Objects:
        """The objects whose metadata.ownerReferences name this uid, sorted by kind, namespace and name."""
        return [stored for ref in sorted(self._owned.get(uid, ())) if (stored := self.get(ref)) is not None]

    def commit(self, changes: Sequence[Change]) -> Objects:
        """Applies all changes, in order, or none; returns the state after each (for a Delete, the last one).

        Every object that changes gets a new version (metadata.resourceVersion, a growing number). A new object gets a
        uid, a creationTimestamp and generation 1; the generation grows when anything except metadata and status
        changes. A Put that equals what is stored changes nothing and causes no event.

        Raises Conflict, Exists or NotFound for the first change that does not fit, StoreError when the file cannot be
        written. After any of them nothing has changed.
        """
        plan = Plan(self.get, self.version, self._decode, self._now)
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
        """Events from now on (`since` None), or those after version `since`. With 0, every object comes as ADDED first.

        Raises Expired when the log no longer has the events after `since`, or `since` lies in the future. See `Watch`
        for reading and closing.
        """
        first: list[Event] = []
        place = self._log.end()
        if since == 0:
            first = [Event("ADDED", stored, stored.version) for stored in self._present(group, kind, namespace)]
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

    def _write(self, plan: Plan) -> None:
        if self._file is None:
            return
        # Of several changes of one object, only the last state matters to the file.
        last = {event.object.ref: event for event in plan.events if is_persistent(event.object.ref)}
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
