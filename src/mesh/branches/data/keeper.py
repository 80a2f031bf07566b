"""Brings each branch's stores to what its spec says, and says how far they are.

What a store is can be read from the objects: its claims name what they are copies of. A copy exists completely or not
at all, so that after a restart of the daemon whatever is missing is made again.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mesh.branches.data.copy_job import CopyJob, DataError, remove_unfinished, run_hook
from mesh.branches.data.state import StoreState
from mesh.branches.data.stores import (
    IDENTITY,
    PREPARED,
    REPLICAS,
    StoreCopy,
    command_of,
    identity_of,
    pods_of,
    store_copy,
)
from mesh.branches.expiry import rfc3339
from mesh.branches.record import Key
from mesh.pods.controllers.events import Recorder
from mesh.pods.freezing.freezer import Quieten
from mesh.pods.store_pods import StorePods
from mesh.reconcile.writing import update
from mesh.resources.analysis.stores import Workload, data_volumes, kind_and_name, store_workload
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.meshmall.branch import BRANCH_LABEL, DATA_RESET, SERVICE_LABEL, Branch, deployment_name
from mesh.resources.values.body import Body
from mesh.resources.values.ref import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, STATEFUL_SET, Ref
from mesh.store import Store, Stored
from mesh.store.cascade import removal

# On the claims of a branch: how the copy was made, for its status.
FROZEN, BYTES, SHARED, COPIED_AT = (
    f"meshmall.dev/data-{name}" for name in ("frozen-milliseconds", "bytes", "shared", "copied-at")
)
log = logging.getLogger(__name__)
# Seconds between two looks at how far a copy is.
PROGRESS_EVERY = 0.25


@dataclass(slots=True)
class _Work:
    """What is under way for a branch, and what has failed: by store, identity and generation, so that any change is
    another attempt."""

    job: CopyJob | None = None
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    failures: dict[tuple[str, str, int], str] = field(default_factory=dict)


class DataKeeper:
    """The stores of all branches. `changed` is called with a branch whose stores have got further."""

    def __init__(
        self, store: Store, pods: StorePods, quieten: Quieten, changed: Callable[[Key], None], events: Recorder
    ) -> None:
        self._store = store
        self._pods = pods
        self._quieten = quieten
        self._changed = changed
        self._events = events
        self._work: dict[Key, _Work] = {}

    async def start(self) -> None:
        """Removes what a daemon that was killed has left of its copies."""
        await asyncio.to_thread(remove_unfinished, self._pods.claims, self._store)

    async def stop(self) -> None:
        """Ends what is under way: no copy is left half made."""
        for key in list(self._work):
            await self._end(key)

    def forget(self, key: Key) -> None:
        """The branch is gone: what is being copied for it is given up."""
        work = self._work.pop(key, None)
        for task in work.tasks.values() if work is not None else ():
            task.cancel()

    async def _end(self, key: Key) -> None:
        work = self._work.pop(key, None)
        tasks = list(work.tasks.values()) if work is not None else []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    def reconcile(self, key: Key, branch: Branch) -> dict[str, StoreState]:
        """Begins whatever a branch's stores need next; returns how far each is."""
        stores = {name: store for name, store in branch.spec.data.items() if not store.url}
        if not stores:
            return {}
        claims = self._claims(branch)
        states: dict[str, StoreState] = {}
        missing: list[StoreCopy] = []
        for name in stores:
            states[name] = self._state(key, branch, name, claims.get(name, []), missing)
        stale = [c for name, own in claims.items() for c in own if self._is_stale(branch, name, c)]
        if stale:
            self._store.commit(removal(self._store, stale))
        work = self._work.setdefault(key, _Work())
        # All at one moment, so that they agree with each other: none begins while another has to wait.
        waiting = [state for state in states.values() if state.phase == "Waiting"]
        if missing and not waiting and "copy" not in work.tasks:
            self._spawn(key, "copy", self._copy(key, branch, missing))
        return states

    # How far a store is.

    def _state(self, key: Key, branch: Branch, name: str, claims: list[Stored], missing: list[StoreCopy]) -> StoreState:
        work = self._work.setdefault(key, _Work())
        workload = self.workload(branch, name)
        about: Body = {"name": name, "from": branch.spec.data[name].source}
        if reset := branch.metadata.annotations.get(DATA_RESET):
            about["reset"] = reset
        if workload is None:
            what = branch.spec.data[name].workload or f"of Service {name}"
            return StoreState("Failed", 0, f"there is no workload {what} to copy", about)
        about["workload"] = kind_and_name(workload)
        failure = work.failures.get((name, identity_of(branch, name), branch.metadata.generation))
        current = [claim for claim in claims if not self._is_stale(branch, name, claim)]
        if not current:
            return self._missing(work, branch, name, workload, claims, failure or "", missing, about)
        annotations = current[0].metadata.get("annotations") or {}
        about |= _figures(annotations)
        replicas = int(annotations.get(REPLICAS, "1"))
        if failure:
            return StoreState("Failed", replicas, failure, about)
        if not self._is_up(branch, name, replicas):
            return StoreState("Starting", replicas, "its pods are starting", about)
        command = command_of(branch.spec.data[name], workload, "after")
        if not command or annotations.get(PREPARED):
            return StoreState("Ready", replicas, "", about)
        if f"after {name}" not in work.tasks:
            self._spawn(key, f"after {name}", self._prepare(key, branch, name, command))
        return StoreState("Starting", replicas, "its `after` command runs", about)

    def _missing(
        self,
        work: _Work,
        branch: Branch,
        name: str,
        workload: Workload,
        claims: list[Stored],
        failure: str,
        missing: list[StoreCopy],
        about: Body,
    ) -> StoreState:
        if claims:
            return StoreState("Waiting", 0, "the former copy is being removed", about)
        if failure:
            return StoreState("Failed", 0, failure, about)
        if not data_volumes(workload, branch.spec.data[name].volumes):
            return StoreState("Failed", 0, f"{kind_and_name(workload)} has no volumes: there is no data to copy", about)
        missing.append(self._plan(branch, name, workload))
        progress = work.job.progress if work.job is not None else None
        if progress is None or not progress.total:
            return StoreState("Copying", 0, "is about to be copied", about)
        about |= {"bytes": progress.total, "copied": min(progress.copied, progress.total)}
        share = f"{progress.copied / 1e6:,.0f} of {progress.total / 1e6:,.0f} MB are copied"
        return StoreState("Copying", 0, share, about)

    def _is_up(self, branch: Branch, name: str, replicas: int) -> bool:
        fork, namespace = deployment_name(name, branch.metadata.name), branch.metadata.namespace
        for kind, field_ in ((STATEFUL_SET, "readyReplicas"), (DEPLOYMENT, "availableReplicas")):
            stored = self._store.get(Ref(*kind, namespace, fork))
            if stored is not None:
                least = replicas if kind == STATEFUL_SET else 1
                status = stored.body.get("status") or {}
                return int(status.get(field_) or 0) >= least
        return False

    def _is_stale(self, branch: Branch, name: str, claim: Stored) -> bool:
        if claim.metadata.get("deletionTimestamp"):
            return True
        annotations = claim.metadata.get("annotations") or {}
        return name not in branch.spec.data or annotations.get(IDENTITY) != identity_of(branch, name)

    def _claims(self, branch: Branch) -> dict[str, list[Stored]]:
        claims: dict[str, list[Stored]] = {}
        for stored in self._store.dependents(branch.metadata.uid):
            if stored.ref.group_kind == PERSISTENT_VOLUME_CLAIM:
                name = (stored.metadata.get("labels") or {}).get(SERVICE_LABEL, "")
                claims.setdefault(name, []).append(stored)
        return claims

    def workload(self, branch: Branch, name: str) -> Workload | None:
        """The baseline's workload that a store copies."""
        stored = self._store.get(Ref("", "Service", branch.metadata.namespace, name))
        service: Service | None = self._store.typed(stored) if stored is not None else None
        workloads: list[Workload] = [*self._store.of(StatefulSet), *self._store.of(Deployment)]
        workload = store_workload(branch.spec.data[name], service, workloads)
        return workload or store_workload(branch.spec.data[name], service, self._store.of(Pod))

    def _plan(self, branch: Branch, name: str, workload: Workload) -> StoreCopy:
        namespace = branch.metadata.namespace
        specs: Mapping[str, Body] = {
            stored.ref.name: stored.body["spec"] for stored in self._store.list(*PERSISTENT_VOLUME_CLAIM, namespace)
        }
        return store_copy(branch, name, workload, specs, pods_of(workload, self._store.of(Pod)))

    # The work.

    def _spawn(self, key: Key, name: str, work: Coroutine[Any, Any, None]) -> None:
        tasks = self._work.setdefault(key, _Work()).tasks
        task = tasks[name] = asyncio.create_task(work)

        def ended(_task: asyncio.Task[None]) -> None:
            if tasks.get(name) is task:
                del tasks[name]
            if not task.cancelled():
                if (error := task.exception()) is not None:
                    log.error("the data of %s", key, exc_info=error)
                self._changed(key)

        task.add_done_callback(ended)

    async def _copy(self, key: Key, branch: Branch, copies: list[StoreCopy]) -> None:
        work = self._work.setdefault(key, _Work())
        job = work.job = CopyJob(branch, copies, self._store, self._pods, self._quieten)
        watching = asyncio.create_task(self._report(key, job))
        try:
            made = await job.run()
        except DataError as error:
            self._fail(key, branch, [copy.store for copy in copies], str(error))
            return
        except Exception as error:
            # Not again and again: whatever it is, the branch shows it, and a change of the branch is another attempt.
            self._fail(key, branch, [copy.store for copy in copies], f"{type(error).__name__}: {error}")
            raise
        finally:
            work.job = None
            watching.cancel()
        figures = {
            FROZEN: str(round(made.frozen_milliseconds)),
            BYTES: str(made.bytes),
            SHARED: str(made.shared).lower(),
            COPIED_AT: rfc3339(datetime.fromtimestamp(made.moment, UTC)),
        }
        self._annotate(branch, [copy.store for copy in copies], figures)
        stored = self._store.get(key.ref)
        if stored is not None:
            names = ", ".join(copy.store for copy in copies)
            shared = ", sharing blocks" if made.shared else ""
            message = (
                f"copied {names}: {made.bytes / 1e6:,.0f} MB{shared}, frozen for {made.frozen_milliseconds:,.0f} ms"
            )
            self._events.normal(stored, "DataCopied", message)

    async def _report(self, key: Key, job: CopyJob) -> None:
        """The branch's status shows how far the copy is."""
        before = 0
        while True:
            await asyncio.sleep(PROGRESS_EVERY)
            if job.progress.copied != before:
                before = job.progress.copied
                self._changed(key)

    async def _prepare(self, key: Key, branch: Branch, name: str, command: list[str]) -> None:
        """Runs the `after` command in each pod of the branch's store."""
        own = {BRANCH_LABEL: branch.metadata.name, SERVICE_LABEL: name}.items()
        pods = [
            pod
            for pod in self._store.of(Pod)
            if pod.metadata.namespace == branch.metadata.namespace and own <= pod.metadata.labels.items()
        ]
        try:
            for pod in pods:
                await run_hook(self._pods, pod, command, f"the command after copying {name}")
        except DataError as error:
            self._fail(key, branch, [name], str(error))
            return
        self._annotate(branch, [name], {PREPARED: "true"})

    def _fail(self, key: Key, branch: Branch, names: Iterable[str], reason: str) -> None:
        work = self._work.setdefault(key, _Work())
        for name in names:
            work.failures[name, identity_of(branch, name), branch.metadata.generation] = reason
        stored = self._store.get(key.ref)
        if stored is not None:
            self._events.warning(stored, "DataFailed", reason)

    def _annotate(self, branch: Branch, names: Iterable[str], annotations: Mapping[str, str]) -> None:
        claims = self._claims(branch)

        def write(body: Body) -> None:
            body["metadata"]["annotations"] = {**(body["metadata"].get("annotations") or {}), **annotations}

        for name in names:
            for claim in claims.get(name, ()):
                update(self._store, claim.ref, write)


def _figures(annotations: Mapping[str, str]) -> Body:
    """How the copy was made, as the status has it."""
    if COPIED_AT not in annotations:
        return {}
    size = int(annotations[BYTES])
    figures: Body = {"bytes": size, "copied": size, "copiedAt": annotations[COPIED_AT]}
    if annotations[SHARED] == "true":
        figures["shared"] = True
    if annotations[FROZEN] != "0":
        figures["frozenMilliseconds"] = int(annotations[FROZEN])
    return figures
