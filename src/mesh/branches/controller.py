"""Gives branches what they need: their Deployments, their status, and their end.

A branch is reconciled when it changes, when a baseline that it forks changes, when its own Deployments become ready,
when a developer's process starts or stops answering, and when its end comes near.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from mesh.branches.activity import Usage
from mesh.branches.data.keeper import DataKeeper
from mesh.branches.data.work import Copying
from mesh.branches.deployments import plan
from mesh.branches.expiry import Expiry, rfc3339
from mesh.branches.observing import Baselines, has_gateway, observe
from mesh.branches.reach import Reach
from mesh.branches.record import Awaited, Key, Record, Records
from mesh.branches.status import Circumstances, Observed, branch_status, is_programmed, is_satisfied, next_color
from mesh.branches.triggers import affected, including
from mesh.observe.hops import Ring
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.reconcile.follower import follow
from mesh.reconcile.supervisor import Supervisor
from mesh.reconcile.work_queue import WorkQueue
from mesh.reconcile.writing import write_status
from mesh.resources.meshmall.branch import DEFAULT_EXPIRES, Branch, preview_host
from mesh.resources.values.ref import BRANCH
from mesh.store import Event, Store, Stored
from mesh.store.cascade import removal

Acknowledged = Callable[[int], Awaitable[None]]

EVENTS_KEPT = 200
# The longest sleep until the next end of a branch (a suspended machine's clock jumps, its timers do not), and
# seconds between two looks at the requests that went through the mesh.
LONGEST_SLEEP = timedelta(seconds=60)
REQUESTS_EVERY = 1.0
# The names of the loops.
CHANGES, EXPIRY, REQUESTS, ENVOY = "branches", "branch-expiry", "branch-requests", "branch-acknowledgement"


def utc_now() -> datetime:
    return datetime.now(UTC)


class BranchController:
    """Reconciles the branches of one store."""

    def __init__(
        self,
        store: Store,
        acknowledged: Acknowledged,
        preview: Callable[[str], str] = preview_host,
        expires: str = DEFAULT_EXPIRES,
        ring: Ring | None = None,
        supervisor: Supervisor | None = None,
        now: Callable[[], datetime] = utc_now,
        copying: Copying | None = None,
    ) -> None:
        """`acknowledged` waits until Envoy has a version of the store; `preview` gives a branch's URL, or
        "" where a browser cannot reach it.

        `expires` is the lifetime of branches that set none; `ring` has the requests, for which branch is in use.
        `copying` is what stores of branches are copied with; without it no branch has data of its own.
        """
        self._store = store
        self._acknowledged = acknowledged
        self._preview = preview
        self._expires = expires
        self._ring = ring or Ring()
        self._supervisor = supervisor or Supervisor()
        self._now = now
        self._records = Records()
        self._queue = WorkQueue(self._reconcile, before=self._observe)
        self._baselines = Baselines(store)
        self._observed: Observed | None = None
        self._reach = Reach(self._reach_changed, self._supervisor)
        self._recorder = Recorder(Objects(store), EVENTS_KEPT)
        self.data = self._data = DataKeeper(store, copying, self._queue.add, self._recorder)
        self._usage = Usage(store)
        self._is_awaiting = asyncio.Event()

    async def start(self) -> None:
        """Starts following the store; every branch is reconciled once."""
        await self._data.start()
        self._supervisor.start(CHANGES, partial(follow, self._store, relist=self._relist, take=self._take))
        self._supervisor.start(EXPIRY, self._follow_expiry)
        self._supervisor.start(REQUESTS, self._follow_requests)
        self._supervisor.start(ENVOY, self._follow_envoy)

    async def stop(self) -> None:
        """Stops everything. Idempotent."""
        await self._data.stop()
        await self._reach.stop()
        await self._supervisor.stop(CHANGES, EXPIRY, REQUESTS, ENVOY)
        self._queue.close()

    def problems(self) -> list[str]:
        """The branches that cannot be reconciled, and why."""
        return self._queue.problems()

    # What makes a branch due.

    def _relist(self) -> None:
        self._baselines.forget()
        branches = self._store.of(Branch)
        for branch in branches:
            self._remember(branch)
        for key in self._records.keys() - {Key.of(branch) for branch in branches}:
            self._forget(key)
        self._reach.follow(self._records.urls())
        self._add(self._records)

    def _take(self, event: Event) -> None:
        ref = event.object.ref
        if ref.group_kind == BRANCH:
            self._branch_changed(event, Key(ref.namespace, ref.name))
        self._baselines.take(event)
        self._add(affected(event, self._records))

    def _branch_changed(self, event: Event, key: Key) -> None:
        before = self._records.get(key)
        urls = before.urls if before is not None else frozenset()
        branch: Branch | None = self._store.typed(event.object) if event.type != "DELETED" else None
        if branch is None:
            self._forget(key)
        else:
            self._remember(branch)
        after = self._records.get(key)
        if urls != (after.urls if after is not None else frozenset()):
            self._reach.follow(self._records.urls())

    async def _follow_expiry(self) -> None:
        while True:
            now = self._now()
            self._add([key for key, record in self._records.items() if record.is_due(now)])
            moments = [moment for r in self._records.values() if (moment := r.expiry.next_after(now)) is not None]
            wake_at = min([now + LONGEST_SLEEP, *moments])
            with suppress(TimeoutError):
                async with asyncio.timeout((wake_at - now).total_seconds() + 0.01):
                    await self._records.until_an_end_before(wake_at)

    async def _follow_requests(self) -> None:
        """Finds out now and then which branches were used, and which programs lost theirs."""
        place = self._ring.count
        while True:
            await asyncio.sleep(REQUESTS_EVERY)
            hops, place = self._ring.since(place), self._ring.count
            if self._records:
                names = self._usage.take(hops, self._now().timestamp())
                self._add([key for key in self._records if key.name in names])

    async def _follow_envoy(self) -> None:
        """Waits for Envoy on behalf of all branches that need nothing else. One wait serves all of them: Envoy
        acknowledges versions in order."""
        while True:
            self._is_awaiting.clear()
            pending = {key: record.awaited for key, record in self._records.items() if record.awaited is not None}
            if not pending:
                await self._is_awaiting.wait()
                continue
            await self._acknowledged(max(awaited.version for awaited in pending.values()))
            for key, awaited in pending.items():
                record = self._records.get(key)
                # A branch that changed meanwhile waits for its new state.
                if record is not None and record.awaited == awaited:
                    record.awaited, record.acknowledged = None, awaited.generation
                    self._queue.add(key)

    def _reach_changed(self, url: str) -> None:
        self._add(key for key, r in self._records.items() if url in r.urls or r.branch.spec.includes)

    def _add(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._queue.add(key)

    def _remember(self, branch: Branch) -> Record:
        return self._records.remember(branch, Expiry.of(branch, self._expires, self._now()))

    def _forget(self, key: Key) -> None:
        self._records.pop(key, None)
        self._queue.forget(key)
        self._usage.forget(key.name)
        self._data.forget(key)

    # The work.

    def _observe(self, _keys: list[Key]) -> None:
        self._observed = observe(self._store, self._reach.up, self._records.failure)

    def _reconcile(self, key: Key) -> None:
        stored = self._store.get(key.ref)
        branch: Branch | None = self._store.typed(stored) if stored is not None else None
        if stored is None or branch is None or self._observed is None:
            return
        record, now = self._remember(branch), self._now()
        if record.expiry.is_over(now):
            when = rfc3339(record.expiry.end)
            self._recorder.normal(stored, "Expired", f"the branch ended at {when}, as spec.expires says")
            self._store.commit(removal(self._store, [stored]))
            return
        if record.must_be_announced(now):
            record.announced = record.expiry.end
            message = f"the branch ends at {rfc3339(record.expiry.end)}; meshmall branch extend {key.name} postpones it"
            self._recorder.warning(stored, "Expiring", message)
        record.data = self._data.reconcile(key, branch)
        self._create_workloads(key, record, self._observed)
        self._write_status(stored, record, self._observed, now)

    def _create_workloads(self, key: Key, record: Record, observed: Observed) -> None:
        branch, baseline = record.branch, partial(self._data.workload, record.branch)
        desired = plan(self._store, branch, observed.services, self._baselines.all(), record.data, baseline)
        if desired.changes:
            self._store.commit(desired.changes)
        if desired.failures != record.failures:
            # No event reports this to the branches that include this one.
            self._add(other for other in including(key.namespace, self._records) if other != key)
        record.failures = desired.failures

    def _write_status(self, stored: Stored, record: Record, observed: Observed, now: datetime) -> None:
        branch = record.branch
        generation = branch.metadata.generation
        former = stored.body.get("status") or {}
        circumstances = Circumstances(
            now,
            record.expiry,
            url=self._preview(branch.metadata.name) if has_gateway(self._store) else "",
            acknowledged=record.acknowledged == generation,
            last_used=self._usage.last_used(branch.metadata.name),
            losses=self._usage.losses(branch.metadata.name),
            # From the store, not from `observed`: of two new branches, the second must see the first one's colour.
            color=next_color(self._store.of(Branch)) if "color" not in former else 0,
            data=record.data,
        )
        status = branch_status(branch, former, observed, circumstances)
        write_status(self._store, stored.ref, status)
        if not is_satisfied(status):
            # What Envoy acknowledged before says nothing about the state that will be ready next.
            record.awaited = record.acknowledged = None
        elif is_programmed(status):
            record.awaited = None
        elif record.awaited is None or record.awaited.generation != generation:
            # The version after the status: Envoy's routes depend on what it says.
            record.awaited = Awaited(generation, self._store.version)
            self._is_awaiting.set()
