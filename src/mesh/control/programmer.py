"""Keeps Envoy at what the store says: watches, compiles, applies, and shows on the objects what became of it.

An object that Envoy refuses is set aside: its last good state stays in force, everything else goes on, and
its status says why. A listener that cannot have its port harms nobody else: nothing is set aside for it, the
object shows it, and it is offered again until the port is free.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from mesh.control.conditions import has_condition, with_condition
from mesh.control.host_names import Names
from mesh.control.jwks import LIMIT, Keys, Place
from mesh.envoy.data_plane import DataPlane, Refused
from mesh.envoy.xds.resources import Kind
from mesh.resources.analysis.finding import Finding
from mesh.resources.analysis.references import check_references
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.resources.kind_definition import Conditions
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.durations import seconds
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import BRANCH, NAMESPACE, POD, Ref
from mesh.routing.compile import compile  # noqa: A004 - what it does
from mesh.routing.destinations.directory import Directory
from mesh.routing.gateway_api.status import merged, statuses
from mesh.routing.memory import Memory
from mesh.routing.model.listener import Listener
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.world import MeshSettings, World, age
from mesh.store import Event, Expired, Put, Store, Stored, Watch, timestamp

WATCHED = frozenset(definition.group_kind for definition in REGISTRY.routing_kinds())
WITH_CONDITIONS = tuple(
    definition
    for definition in REGISTRY.routing_kinds()
    if definition.conditions in (Conditions.RULE, Conditions.REFUSAL)
)
# Seconds until refused listeners are offered again: the first pause, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class _Aside:
    """An object that is not in force: the state refused, the one in force instead, and why."""

    refused: Resource
    last: Resource | None
    reason: str


class Programmer:
    """One task that brings Envoy to the latest store version again and again."""

    def __init__(
        self,
        store: Store,
        plane: DataPlane,
        settings: MeshSettings,
        tell: Callable[[Stored, str], None] = lambda _stored, _reason: None,
    ) -> None:
        """`tell` is called once for each object that Envoy begins to refuse, with the reason."""
        self._tell = tell
        self._store = store
        self._plane = plane
        self._settings = settings
        self._version = -1
        self._done = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._aside: dict[Ref, _Aside] = {}
        self._good: dict[Ref, Resource] = {}
        self._unattributed: dict[str, str] = {}
        self._blocked: dict[str, Rejected] = {}
        self._pause = FIRST_PAUSE
        self._names = Names()
        self._keys = Keys()
        self._memory, self._pods = Memory(), Memory()
        self._world = World(0)
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
        return Acknowledged(self._version, took, self.rejected())

    def rejected(self) -> tuple[Rejected, ...]:
        """What is not in force now, and why."""
        aside = (Rejected(str(ref), (ref,), held.reason) for ref, held in sorted(self._aside.items()))
        others = (Rejected(name, (), reason) for name, reason in sorted(self._unattributed.items()))
        return (*aside, *others, *(self._blocked[name] for name in sorted(self._blocked)))

    def _has_ended(self) -> bool:
        return self._task is None or self._task.done()

    async def _run(self) -> None:
        while True:
            async with self._store.watch() as watch:
                await self._bring()
                with suppress(Expired):
                    while (events := await self._next(watch)) is not None:
                        if any(_matters(event) for event in events):
                            await self._bring()
                        else:
                            await self._reached(self._store.version)
                    return

    async def _next(self, watch: Watch) -> list[Event] | None:
        """The next events, None at the end. While nothing happens, offers refused listeners again and looks whether
        names have other addresses and issuers other keys."""
        while True:
            pauses = (self._pause if self._blocked else None, self._names.pause, self._keys.pause)
            try:
                async with asyncio.timeout(min((each for each in pauses if each is not None), default=None)):
                    return await watch.batch() or None
            except TimeoutError:
                if await self._keys.refresh() | await self._names.refresh():
                    await self._bring()
                if not self._blocked:
                    continue
                self._pause = min(LONGEST_PAUSE, self._pause * 2)
                self._show(await self._plane.again())

    async def _bring(self) -> None:
        """Compiles the store as it is and applies it."""
        world = World.of(self._store, self._pods)
        await self._names.want({name for entry in world.entries for name in entry.names})
        # The last good states need theirs, too: what the world says now may be refused.
        asked = [*world.authentications, *self._good.values(), *self._last()]
        await self._keys.want(_places(world, [each for each in asked if isinstance(each, RequestAuthentication)]))
        world = replace(world, addresses=dict(self._names.addresses), keys=dict(self._keys.found))
        self._world = world
        now = _rules(world)
        self._aside = {ref: held for ref, held in self._aside.items() if _same(held.refused, now.get(ref))}
        self._unattributed = {}
        tried: dict[Ref, str] = {}
        while suspects := await self._attempt(world, now):
            tried |= suspects
            for ref, reason in suspects.items():
                self._set_aside(ref, now, reason)
        if len(tried) > 1:
            await self._readmit(world, now, tried)
        try:
            refused = await self._plane.apply(self.snapshot, whole=True)
        except Exception as error:  # a mistake of this program must not end the mesh: what is in force stays
            log.exception("the configuration could not be built")
            self._unattributed["configuration"] = f"it could not be built: {type(error).__name__}: {error}"
        else:
            self._good = {ref: each for ref, each in now.items() if ref not in self._aside} | {
                ref: held.last for ref, held in self._aside.items() if held.last is not None
            }
            self._pause = FIRST_PAUSE
            self._show(refused)
        await self._reached(world.version)

    async def _attempt(self, world: World, now: Mapping[Ref, Resource]) -> dict[Ref, str]:
        """Applies the world without what is set aside. Returns the changed objects that can be to blame for
        what Envoy refuses, each with the reason; none when all is well or nobody can be named."""
        changed = {ref for ref, each in now.items() if ref not in self._aside and not _same(each, self._good.get(ref))}
        try:
            for ref, held in self._aside.items():
                world = world.replaced(ref, held.last)
            self.snapshot = compile(world, self._settings, self._memory)
            refused = await self._plane.apply(self.snapshot)
        except Exception as error:  # which object it cannot cope with is found as for a refusal
            log.exception("the configuration could not be built")
            return dict.fromkeys(changed, f"{type(error).__name__}: {error}")
        found: dict[Ref, str] = {}
        for (kind, name), reason in refused.items():
            if kind is not Kind.LISTENER:
                for ref in _origins(self.snapshot, kind, name):
                    if ref in changed:
                        found.setdefault(ref, reason)
        return found

    async def _readmit(self, world: World, now: Mapping[Ref, Resource], tried: Mapping[Ref, str]) -> None:
        """Of several suspects, lets each back in that does no harm alone."""
        for ref, reason in tried.items():
            del self._aside[ref]
            if found := await self._attempt(world, now):
                self._set_aside(ref, now, found.get(ref, reason))
        await self._attempt(world, now)

    def _last(self) -> list[Resource]:
        """What is in force instead of what was refused."""
        return [held.last for held in self._aside.values() if held.last is not None]

    def _set_aside(self, ref: Ref, now: Mapping[Ref, Resource], reason: str) -> None:
        self._aside[ref] = _Aside(now[ref], self._good.get(ref), reason)

    async def _reached(self, version: int) -> None:
        async with self._done:
            self._version = max(self._version, version)
            self._done.notify_all()

    def _show(self, refused: Refused) -> None:
        """Keeps what Envoy refuses now, and writes the conditions of all objects."""
        self._blocked = {}
        for (kind, name), reason in refused.items():
            listener = self.snapshot.listeners.get(name)
            if kind is Kind.LISTENER and listener is not None:
                self._blocked[name] = Rejected(f"listener {name}", listener.origins, _cannot_listen(listener, reason))
            else:
                self._unattributed[name] = reason
        reasons = {ref: held.reason for ref, held in self._aside.items()}
        for each in self._blocked.values():
            reasons |= dict.fromkeys(each.origins, each.reason)
        found = self._found()
        changes: list[Put] = []
        told: list[tuple[Stored, str]] = []
        for definition in WITH_CONDITIONS:
            # A Service says nothing of Envoy until Envoy refuses it: most never carry the condition.
            is_rule = definition.conditions is Conditions.RULE
            for stored in self._store.list(definition.group, definition.kind):
                refusal = reasons.get(stored.ref)
                if not is_rule and refusal is None and not has_condition(stored.body):
                    continue
                findings = found.get(stored.ref, []) if is_rule else None
                body = with_condition(stored.body, refusal, timestamp(), findings)
                if body is not None:
                    changes.append(Put(stored.ref, body, stored.version))
                    if refusal is not None:
                        told.append((stored, refusal))
        changes += self._attachments(reasons)
        if changes:
            self._store.commit(changes)
        for stored, refusal in told:
            self._tell(stored, refusal)

    def _attachments(self, reasons: Mapping[Ref, str]) -> Iterator[Put]:
        """The statuses of the Gateway API's objects that are not as they should be."""
        for ref, wanted in statuses(self._world, self._settings, reasons):
            stored = self._store.get(ref)
            if stored is not None:
                status = merged(stored.body.get("status"), wanted, timestamp())
                if status != stored.body.get("status"):
                    yield Put(ref, {**stored.body, "status": status}, stored.version)

    def _found(self) -> Mapping[Ref, list[Finding]]:
        """What rules name that is not there, and what they dispute, by the object it is about."""
        found: dict[Ref, list[Finding]] = defaultdict(list)
        everything = [typed for definition in WITH_CONDITIONS for typed in self._store.of(definition.type)]
        for finding in _without_keys(self._store.of(RequestAuthentication), self._keys):
            if finding.error.ref is not None:
                found[finding.error.ref].append(finding)
        secrets = {(each.ref.namespace, each.ref.name) for each in self._store.list("", "Secret")}
        for finding in check_references(sorted(everything, key=age), secrets):
            if finding.error.ref is not None:
                found[finding.error.ref].append(finding)
        return found


def _places(world: World, asked: Iterable[RequestAuthentication]) -> dict[str, Place]:
    """Where the keys of RequestAuthentications are; a Service's pods are asked themselves."""
    rules = [rule for each in asked for rule in each.spec.jwt_rules if rule.uri]
    if not rules:
        return {}
    directory = Directory(world, Memory())
    found = {}
    for rule in rules:
        url = urlsplit(rule.uri)
        pod = directory.pod_of(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        limit = min(LIMIT, seconds(rule.timeout)) if rule.timeout else LIMIT
        found[rule.uri] = Place((pod.address, pod.port) if pod is not None else None, limit)
    return found


def _without_keys(rules: Iterable[RequestAuthentication], keys: Keys) -> Iterator[Finding]:
    """The rules whose keys could not be fetched."""
    for each in rules:
        for number, rule in enumerate(each.spec.jwt_rules):
            if why := keys.failed.get(rule.uri):
                kept = "its former keys stay in force" if rule.uri in keys.found else "all of its tokens are refused"
                said = f'"{rule.uri[:200]}" brought no keys ({why[:200]}); {kept} until it does'
                error = FieldError(f"spec.jwtRules[{number}].jwksUri", said, ref_of(each))
                yield Finding("warning", error, code="JwksFetchFailed")


def _rules(world: World) -> dict[Ref, Resource]:
    return {ref_of(typed): typed for definition in REGISTRY.refusable_kinds() for typed in world.all(definition.type)}


def _same(one: Resource, other: Resource | None) -> bool:
    """Whether two states of an object say the same but for their status."""
    return other is not None and (one.metadata.uid, one.metadata.generation) == (
        other.metadata.uid,
        other.metadata.generation,
    )


def _matters(event: Event) -> bool:
    """Whether an event can change what Envoy should know: the status of a rule or Service cannot."""
    group_kind = event.object.ref.group_kind
    if group_kind not in WATCHED:
        return False
    if event.type != "MODIFIED" or event.previous is None or group_kind == POD:
        return True
    old, new = event.previous.body, event.object.body
    if group_kind == BRANCH and _readiness(old) != _readiness(new):
        return True
    if group_kind == NAMESPACE:
        return bool(old["metadata"].get("labels") != new["metadata"].get("labels"))
    return old.get("spec") != new.get("spec") or old.get("data") != new.get("data")


def _readiness(branch: Mapping[str, Any]) -> list[str]:
    """Of a branch's status, what decides where its requests go: the developers' processes that do not answer."""
    services = (branch.get("status") or {}).get("services") or []
    return [each["name"] for each in services if each.get("kind") == "url" and not each.get("ready")]


def _origins(snapshot: Snapshot, kind: Kind, name: str) -> tuple[Ref, ...]:
    """The objects that a cluster or route table was made of."""
    if kind is Kind.ROUTES:
        table = snapshot.tables.get(name)
        hosts = table.hosts if table is not None else ()
        return tuple(dict.fromkeys(ref for host in hosts for ref in host.origins))
    if kind is Kind.EXTENSION:
        found = snapshot.authentications.get(name)
        return found.origins if found is not None else ()
    cluster = snapshot.clusters.get(name)
    return cluster.origins if cluster is not None else ()


def _cannot_listen(listener: Listener, reason: str) -> str:
    where = f"{listener.address}:{listener.port}"
    if "in use" in reason:
        return f"{where} is in use by another program; end that program, or choose another port"
    if "denied" in reason:
        return f"{where} may not be used by this user; choose a port of 1024 or above"
    if "Cannot assign" in reason:
        return f"{listener.address} is not an address of this machine"
    return f"Envoy cannot listen at {where}: {reason.strip()}"
