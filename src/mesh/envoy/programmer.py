"""Keeps Envoy at what the store says: watches, compiles, applies, and shows on the objects what became of it.

An object that Envoy refuses is set aside: its last good state stays in force, everything else goes on, and
its status says why.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mesh.envoy.plane import DataPlane, Refused
from mesh.envoy.resources import Kind
from mesh.resources.meta import Resource
from mesh.resources.ref import Ref
from mesh.resources.references import ref_of
from mesh.routing.compile import compile  # noqa: A004 - what it does
from mesh.routing.table import RouteTable, Snapshot
from mesh.routing.world import MeshSettings, World
from mesh.store import Conflict, Event, Expired, NotFound, Put, Store, timestamp

WATCHED = frozenset(("Service", "Pod", "VirtualService", "DestinationRule", "Gateway"))
RULES = frozenset(("VirtualService", "DestinationRule", "Gateway"))
CONDITION = "Programmed"


@dataclass(frozen=True, slots=True)
class Rejected:
    """What Envoy refused: the resource, the objects it was made of that changed, and Envoy's reason."""

    resource: str
    origins: tuple[Ref, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Envoy has what the store had at `version`, but for what it rejected."""

    version: int
    milliseconds: float
    rejected: tuple[Rejected, ...]


class Programmer:
    """One task that brings Envoy to the latest store version again and again."""

    def __init__(self, store: Store, plane: DataPlane, settings: MeshSettings) -> None:
        self._store = store
        self._plane = plane
        self._settings = settings
        self._version = -1
        self._done = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._aside: dict[Ref, tuple[Resource | None, Resource | None, str]] = {}
        self._good: dict[Ref, Resource] = {}
        self.snapshot = Snapshot(0)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def acknowledged(self, version: int, timeout: float) -> Acknowledged:  # noqa: ASYNC109
        """Waits until Envoy has what the store had at `version`. Raises TimeoutError."""
        begun = time.perf_counter()
        async with asyncio.timeout(timeout), self._done:
            await self._done.wait_for(lambda: self._version >= version or self._has_ended())
        if self._task is not None and self._task.done():
            self._task.result()
        took = (time.perf_counter() - begun) * 1000
        rejected = tuple(Rejected(str(ref), (ref,), reason) for ref, (_, _, reason) in sorted(self._aside.items()))
        return Acknowledged(self._version, took, rejected)

    def _has_ended(self) -> bool:
        return self._task is None or self._task.done()

    async def _run(self) -> None:
        while True:
            async with self._store.watch() as watch:
                await self._bring()
                with suppress(Expired):
                    while events := await watch.batch():
                        if any(_matters(event) for event in events):
                            await self._bring()
                        else:
                            await self._reached(self._store.version)
                    return

    async def _bring(self) -> None:
        """Compiles the store as it is and applies it."""
        world = World.of(self._store)
        now = _rules(world)
        self._aside = {ref: held for ref, held in self._aside.items() if ref in now and _same(now[ref], held[0])}
        snapshot = self._compiled(world)
        refused = await self._plane.apply(snapshot)
        if refused:
            await self._isolate(world, now, snapshot, refused)
        self._good = {ref: each for ref, each in now.items() if ref not in self._aside} | {
            ref: last for ref, (_, last, _) in self._aside.items() if last is not None
        }
        self._write_status(now)
        await self._reached(world.version)

    def _compiled(self, world: World) -> Snapshot:
        for ref, (_, last, _) in self._aside.items():
            world = world.replaced(ref, last)
        self.snapshot = compile(world, self._settings)
        return self.snapshot

    async def _isolate(self, world: World, now: Mapping[Ref, Resource], snapshot: Snapshot, refused: Refused) -> None:
        """Finds out which objects Envoy refuses, by trying those that changed one by one."""
        suspects: dict[Ref, str] = {}
        for (kind, name), reason in refused.items():
            for ref in _origins(snapshot, kind, name):
                if ref in now and not _same(now[ref], self._good.get(ref)):
                    suspects.setdefault(ref, reason)
        for ref, reason in suspects.items():
            self._aside[ref] = (now[ref], self._good.get(ref), reason)
        if not suspects:
            return
        await self._plane.apply(self._compiled(world))
        for ref, reason in suspects.items():
            if len(suspects) == 1:
                break
            held = self._aside.pop(ref)
            again = await self._plane.apply(self._compiled(world))
            if again:
                self._aside[ref] = (held[0], held[1], next(iter(again.values()), reason))
                await self._plane.apply(self._compiled(world))

    async def _reached(self, version: int) -> None:
        async with self._done:
            self._version = max(self._version, version)
            self._done.notify_all()

    def _write_status(self, now: Mapping[Ref, Resource]) -> None:
        changes: list[Put] = []
        for ref in now:
            stored = self._store.get(ref)
            if ref.kind not in RULES or stored is None:
                continue
            held = self._aside.get(ref)
            body = _with_condition(stored.body, held[2] if held else None)
            if body is not None:
                changes.append(Put(ref, body, stored.version))
        if changes:
            with suppress(Conflict, NotFound):
                self._store.commit(changes)


def _rules(world: World) -> dict[Ref, Resource]:
    groups: Sequence[Sequence[Resource]] = (
        world.virtual_services,
        world.destination_rules,
        world.gateways,
        world.services,
    )
    return {ref_of(each): each for group in groups for each in group}


def _same(one: Resource, other: Resource | None) -> bool:
    """Whether two states of an object say the same but for their status."""
    return other is not None and (one.metadata.uid, one.metadata.generation) == (
        other.metadata.uid,
        other.metadata.generation,
    )


def _matters(event: Event) -> bool:
    """Whether an event can change what Envoy should know: a rule's status cannot."""
    if event.object.ref.kind not in WATCHED:
        return False
    if event.type != "MODIFIED" or event.previous is None or event.object.ref.kind not in RULES:
        return True
    old, new = event.previous.body, event.object.body
    return old.get("spec") != new.get("spec") or old["metadata"].get("labels") != new["metadata"].get("labels")


def _origins(snapshot: Snapshot, kind: Kind, name: str) -> tuple[Ref, ...]:
    """The objects that a resource was made of."""
    if kind is Kind.ROUTES:
        table: RouteTable | None = snapshot.tables.get(name)
        hosts = table.hosts if table is not None else ()
        return tuple(dict.fromkeys(ref for host in hosts for ref in host.origins))
    if kind is Kind.LISTENER:
        listener = snapshot.listeners.get(name)
        return listener.origins if listener is not None else ()
    cluster = snapshot.clusters.get(name)
    return cluster.origins if cluster is not None else ()


def _with_condition(body: Mapping[str, Any], reason: str | None) -> dict[str, Any] | None:
    """The object with its condition as it should be; None when it is so already."""
    generation = body["metadata"].get("generation", 0)
    wanted = {
        "type": CONDITION,
        "status": "True" if reason is None else "False",
        "reason": "Acknowledged" if reason is None else "Rejected",
        "message": "Envoy has it" if reason is None else f"Envoy refused it: {reason}",
        "observedGeneration": generation,
    }
    status = body.get("status") or {}
    others = []
    for condition in status.get("conditions") or []:
        if condition.get("type") != CONDITION:
            others.append(condition)
        elif all(condition.get(key) == value for key, value in wanted.items()):
            return None
        elif condition.get("status") == wanted["status"]:
            wanted["lastTransitionTime"] = condition.get("lastTransitionTime")
    wanted.setdefault("lastTransitionTime", timestamp())
    return {**body, "status": {**status, "conditions": [*others, wanted]}}
