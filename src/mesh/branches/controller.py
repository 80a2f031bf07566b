"""Keeps what branches need: their Deployments, their status, and their end.

Watches the store as every controller does: a branch is looked at again when it changes, when the baseline that it
forks changes, when its own Deployments get ready, and when a developer's process begins or stops to answer.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from mesh.branches.activity import Usage
from mesh.branches.forks import fork, of_template, wrong_with
from mesh.branches.reach import Reach
from mesh.branches.status import Seen, missing_includes, overlaps_of, phase_of, services_of, with_conditions
from mesh.observe.hops import Ring
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.resources.analysis.branch_references import baseline_of, baselines
from mesh.resources.checks.branch import expiry_time
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import DEFAULT_EXPIRES, GROUP, Branch, preview_host
from mesh.resources.values.body import Body
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import Ref
from mesh.store import Change, Conflict, Event, Expired, NotFound, Put, Store, Stored, timestamp
from mesh.store.cascade import removal

Key = tuple[str, str]
Acknowledged = Callable[[int], Awaitable[None]]

# A branch's end is told when a tenth of its life is left, an hour at the most before.
WARN_SHARE, WARN_MOST = 0.1, timedelta(hours=1)
EVENTS_KEPT = 200
IDLE_LIMIT = 60.0
LOOK_EVERY = 1.0

log = logging.getLogger(__name__)


class BranchController:
    """One task over one store.

    `acknowledged` waits until Envoy has a version of the store; `url` gives a branch's preview address.
    """

    def __init__(
        self,
        store: Store,
        acknowledged: Acknowledged,
        preview: Callable[[str], str] = preview_host,
        expires: str = DEFAULT_EXPIRES,
        ring: Ring | None = None,
    ) -> None:
        self._store = store
        self._acknowledged = acknowledged
        self._preview = preview
        self._expires = expires
        self._objects = Objects(store)
        self._recorder = Recorder(self._objects, EVENTS_KEPT)
        self._known: dict[Key, Branch] = {}
        self._ends: dict[Key, tuple[datetime, timedelta]] = {}
        self._dirty: set[Key] = set()
        self._moved = asyncio.Event()
        self._reach = Reach(self._reach_changed)
        self._failures: dict[tuple[str, str, str], str] = {}
        self._told: dict[str, datetime] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[Key, asyncio.Task[None]] = {}
        self._ring = ring or Ring()
        self._usage = Usage(store)

    async def start(self) -> None:
        works = (self._watch(), self._work(), self._follow_requests())
        self._tasks = [asyncio.create_task(each) for each in works]

    async def stop(self) -> None:
        await self._reach.stop()
        for task in (*self._tasks, *self._waiting.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # What has to be looked at again.

    async def _watch(self) -> None:
        while True:
            async with self._store.watch() as watch:
                self._known.clear()
                for stored in self._store.list(GROUP, "Branch"):
                    self._know(stored.typed)
                self._follow_urls()
                self._mark(self._known)
                with suppress(Expired):
                    while events := await watch.batch():
                        for event in events:
                            self._take(event)
                    return

    def _take(self, event: Event) -> None:
        ref = event.object.ref
        if (ref.group, ref.kind) == (GROUP, "Branch"):
            self._branch_changed(event)
        elif ref.kind == "Deployment":
            owner = event.object.typed.metadata.owner_references
            if owner and owner[0].kind == "Branch":
                self._mark_seeing(ref.namespace, owner[0].name)
            elif self._specification_changed(event) or event.previous is None or self._counts_changed(event):
                self._mark(key for key in self._known if key[0] == ref.namespace)
        elif ref.kind in ("Service", "DestinationRule") and self._specification_changed(event):
            self._mark(key for key in self._known if key[0] == ref.namespace)

    def _branch_changed(self, event: Event) -> None:
        ref = event.object.ref
        key = (ref.namespace, ref.name)
        before = self._known.pop(key, None)
        self._ends.pop(key, None)
        if event.type == "DELETED":
            self._failures = {each: why for each, why in self._failures.items() if each[:2] != key}
            self._usage.forget(ref.name)
        else:
            self._know(event.object.typed)
        if _has_url(before) or _has_url(self._known.get(key)):
            self._follow_urls()
        if event.type != "MODIFIED" or self._specification_changed(event):
            self._mark_seeing(ref.namespace, ref.name)

    def _know(self, branch: Branch) -> None:
        key = (branch.metadata.namespace, branch.metadata.name)
        self._known[key] = branch
        end = self._end_of(branch)
        self._ends[key] = (end, _warning_before(end - _created(branch)))

    def _mark_seeing(self, namespace: str, name: str) -> None:
        """The branch, and those that include it."""
        self._mark([(namespace, name)])
        for key, branch in self._known.items():
            if branch.spec.includes and key[0] == namespace:
                self._mark([key])

    @staticmethod
    def _specification_changed(event: Event) -> bool:
        if event.previous is None or event.type == "DELETED":
            return True
        return bool(event.previous.body.get("spec") != event.object.body.get("spec"))

    @staticmethod
    def _counts_changed(event: Event) -> bool:
        old = (event.previous.body.get("status") or {}) if event.previous is not None else {}
        new = event.object.body.get("status") or {}
        return bool(old.get("availableReplicas", 0) != new.get("availableReplicas", 0))

    def _reach_changed(self, url: str) -> None:
        self._mark(
            key
            for key, branch in self._known.items()
            if any(each.url == url for each in branch.spec.services.values()) or branch.spec.includes
        )

    async def _follow_requests(self) -> None:
        """Looks now and then at what went through the mesh: who was used, and who lost its branch."""
        place = self._ring.count
        while True:
            await asyncio.sleep(LOOK_EVERY)
            hops, place = self._ring.since(place), self._ring.count
            if not self._known:
                continue
            try:
                news = self._usage.take(hops, time.time())
                self._mark([key for key in self._known if key[1] in news] if news else ())
            except Exception:  # what is told about branches must not end the care for them
                log.exception("the requests of branches could not be looked at")

    def _mark(self, keys: Iterable[Key]) -> None:
        self._dirty.update(keys)
        if self._dirty:
            self._moved.set()

    # The work.

    async def _work(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._until_next()):
                    await self._moved.wait()
            self._moved.clear()
            due, self._dirty = self._dirty, set()
            try:
                self._bring(due | self._end_expired())
            except Exception:  # a mistake with one branch must not end the others' care
                log.exception("branches could not be brought up to date: %s", sorted(due))
                await asyncio.sleep(1.0)

    def _until_next(self) -> float:
        """Seconds until a branch ends or its end has to be told."""
        now = datetime.now(UTC)
        soonest = IDLE_LIMIT
        for end, before in self._ends.values():
            when = end - before if end - before > now else end
            soonest = min(soonest, (when - now).total_seconds())
        return max(soonest, 0.0) + 0.01

    def _end_of(self, branch: Branch) -> datetime:
        return expiry_time(branch.spec.expires or self._expires, _created(branch))

    def _end_expired(self) -> set[Key]:
        """Deletes the branches whose time is over; returns those of which the end has to be told now."""
        now = datetime.now(UTC)
        gone: list[Stored] = []
        warned: set[Key] = set()
        for key, (end, before) in tuple(self._ends.items()):
            if end - before > now or (stored := self._store.get(Ref(GROUP, "Branch", *key))) is None:
                continue
            if end <= now:
                gone.append(stored)
                self._recorder.normal(stored, "Expired", f"the branch ended at {_text(end)}, as its expires says")
            elif self._told.get(stored.uid) != end:
                self._told[stored.uid] = end
                message = f"the branch ends at {_text(end)}; meshmall branch extend {key[1]} gives it more time"
                self._recorder.warning(stored, "Expiring", message)
                warned.add(key)
        if gone:
            for stored in gone:
                self._told.pop(stored.uid, None)
            self._store.commit(removal(self._store, gone))
        return warned

    def _bring(self, due: Iterable[Key]) -> None:
        """Makes the Deployments of these branches what they should be, and writes their status."""
        keys = sorted(due)
        if not keys:
            return
        named = dict(self._known)
        deployments = self._deployments()
        services = {(each.metadata.namespace, each.metadata.name): each for each in self._store.of(Service)}
        changed = False
        for key in keys:
            branch = named.get(key)
            if branch is not None:
                changed |= self._make(branch, services, deployments)
        if changed:
            deployments = self._deployments()
        seen = Seen(
            named,
            services,
            deployments,
            tuple(self._store.of(DestinationRule)),
            self._reach.up,
            self._why_waiting,
            self._failures,
        )
        for key in keys:
            branch = named.get(key)
            if branch is not None:
                self._tell(branch, seen)

    def _deployments(self) -> dict[Key, Deployment]:
        return {(each.metadata.namespace, each.metadata.name): each for each in self._store.of(Deployment)}

    def _follow_urls(self) -> None:
        self._reach.follow(
            frozenset(
                change.url for branch in self._known.values() for change in branch.spec.services.values() if change.url
            )
        )

    def _make(self, branch: Branch, services: dict[Key, Service], deployments: dict[Key, Deployment]) -> bool:
        """Brings the branch's own Deployments to what they should be; whether anything changed."""
        changes: list[Change] = []
        wanted = {}
        for service, body in self._wanted(branch, services, deployments).items():
            ref = Ref("apps", "Deployment", branch.metadata.namespace, body["metadata"]["name"])
            stored = self._store.get(ref)
            mine = stored is None or any(
                o["uid"] == branch.metadata.uid for o in stored.metadata.get("ownerReferences", ())
            )
            if not mine:
                why = f"{ref} is there and is not the branch's; delete it, or name the branch otherwise"
                self._failures[branch.metadata.namespace, branch.metadata.name, service] = why
                continue
            wanted[ref] = body
            if stored is None:
                changes.append(Put(ref, body, 0))
            elif stored.body["spec"] != body["spec"] or stored.metadata.get("labels") != body["metadata"]["labels"]:
                metadata = {**stored.metadata, "labels": body["metadata"]["labels"]}
                changes.append(Put(ref, {**stored.body, "metadata": metadata, "spec": body["spec"]}, stored.version))
        left = [
            each
            for each in self._store.dependents(branch.metadata.uid)
            if each.ref.kind == "Deployment" and each.ref not in wanted
        ]
        changes += removal(self._store, left)
        if not changes:
            return False
        try:
            self._store.commit(changes)
        except (Conflict, NotFound):
            self._mark([(branch.metadata.namespace, branch.metadata.name)])
        return True

    def _wanted(
        self, branch: Branch, services: dict[Key, Service], deployments: dict[Key, Deployment]
    ) -> dict[str, Body]:
        found: dict[str, Body] = {}
        namespace, name = branch.metadata.namespace, branch.metadata.name
        for service, change in branch.spec.services.items():
            self._failures.pop((namespace, name, service), None)
            try:
                if change.template is not None:
                    found[service] = of_template(branch, service, change.template)
                elif change.fork is not None:
                    held = services.get((namespace, service))
                    known = baselines(held, deployments.values()) if held is not None else []
                    if known:
                        found[service] = fork(branch, service, change.fork, baseline_of(change.fork.deployment, known))
                    else:
                        self._failures[namespace, name, service] = f"no Deployment of Service {service} is left to fork"
            except Invalid as error:
                self._failures[namespace, name, service] = wrong_with(error)
        return found

    def _why_waiting(self, deployment: Deployment) -> str:
        """The reason that a container of its newest pod gives, "" when it just starts."""
        labels = deployment.spec.selector.match_labels.items()
        for pod in self._store.of(Pod, deployment.metadata.namespace):
            if labels <= pod.metadata.labels.items():
                for state in pod.status.container_statuses:
                    waiting = state.state.get("waiting") or {}
                    if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                        return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
        return ""

    # The status.

    def _tell(self, branch: Branch, seen: Seen) -> None:
        services = services_of(branch, seen)
        waiting = [f"{each['name']}: {each.get('message', 'is not ready')}" for each in services if not each["ready"]]
        gone = missing_includes(branch, seen.branches)
        forks = {
            "type": "ServicesReady",
            "status": "False" if waiting else "True",
            "reason": "Waiting" if waiting else "AllReady",
            "message": "; ".join(waiting) if waiting else "everything that the branch changes is ready",
        }
        included = {
            "type": "IncludesFound",
            "status": "False" if gone else "True",
            "reason": "Missing" if gone else "AllFound",
            "message": f"these branches are gone: {', '.join(gone)}" if gone else "every included branch is there",
        }
        ready = not waiting and not gone
        self._write(branch, services, [forks, included], ready=ready)
        key = (branch.metadata.namespace, branch.metadata.name)
        if ready and key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._until_acknowledged(key, self._store.version))

    async def _until_acknowledged(self, key: Key, version: int) -> None:
        """Ready means that Envoy has taken what the store had when everything answered."""
        try:
            await self._acknowledged(version)
            stored = self._store.get(Ref(GROUP, "Branch", *key))
            if stored is not None:
                self._write(stored.typed, None, [], ready=True, programmed=True)
        finally:
            self._waiting.pop(key, None)

    def _write(
        self,
        branch: Branch,
        services: list[Body] | None,
        conditions: list[Body],
        *,
        ready: bool,
        programmed: bool = False,
    ) -> None:
        end = self._end_of(branch)
        left = end - datetime.now(UTC)
        ending = left <= _warning_before(end - _created(branch))
        named = self._known

        def change(body: Body) -> None:
            status = dict(body.get("status") or {})
            old = status.get("conditions") or []
            held = {each.get("type"): each for each in old}
            same = status.get("observedGeneration") == body["metadata"].get("generation", 0)
            was_programmed = same and held.get("Programmed", {}).get("status") == "True"
            done = ready and (programmed or was_programmed)
            kept = conditions or [held[each] for each in ("ServicesReady", "IncludesFound") if each in held]
            if programmed and any(each["status"] != "True" for each in kept):
                return
            status["phase"] = phase_of(branch, done, same)
            status["observedGeneration"] = body["metadata"].get("generation", 0)
            status["url"] = self._preview(branch.metadata.name)
            status["expiresAt"] = _text(end)
            if services is not None:
                status["services"] = services
            status["overlaps"] = overlaps_of(branch, named)
            if not status["overlaps"]:
                del status["overlaps"]
            acknowledged = {
                "type": "Programmed",
                "status": "True" if done else "False",
                "reason": "Acknowledged" if done else "Pending",
                "message": "Envoy has it" if done else "Envoy has not taken all of it yet",
            }
            expiring = {
                "type": "Expiring",
                "status": "True" if ending else "False",
                "reason": "Soon" if ending else "TimeLeft",
                "message": f"the branch ends at {_text(end)}",
            }
            reasons = [each["message"] for each in kept if each["status"] != "True"]
            whole = {
                "type": "Ready",
                "status": "True" if done else "False",
                "reason": "Ready" if done else "Waiting",
                "message": "; ".join(reasons) if reasons else acknowledged["message"],
            }
            if last := self._usage.last_used(branch.metadata.name):
                status["lastUsed"] = _text(datetime.fromtimestamp(last, UTC))
            whole_list = [whole, *kept, acknowledged, expiring, self._usage.condition(branch.metadata.name)]
            others = [each for each in old if each.get("type") not in OURS]
            status["conditions"] = [*others, *with_conditions(old, whole_list, timestamp())]
            body["status"] = status

        self._objects.update(Ref(GROUP, "Branch", branch.metadata.namespace, branch.metadata.name), change)


OURS = frozenset(("Ready", "ServicesReady", "IncludesFound", "Programmed", "Expiring", "ContextKept"))


def _has_url(branch: Branch | None) -> bool:
    return branch is not None and any(each.url for each in branch.spec.services.values())


def _created(branch: Branch) -> datetime:
    return datetime.fromisoformat(branch.metadata.creation_timestamp or timestamp())


def _warning_before(life: timedelta) -> timedelta:
    return min(life * WARN_SHARE, WARN_MOST)


def _text(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
