"""Brings each branch's stores to what its spec says, and says how far they are.

What a store is can be read from the objects: its claims name what they are copies of. A copy exists completely or not
at all, so that after a restart of the daemon whatever is missing is made again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from mesh.branches.data.copy_job import remove_unfinished
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
from mesh.branches.data.work import BYTES, COPIED_AT, FROZEN, SHARED, Copying, DataWork, claims_of
from mesh.branches.record import Key
from mesh.pods.controllers.events import Recorder
from mesh.resources.analysis.stores import Workload, data_volumes, kind_and_name, store_workload
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.meshmall.branch import DATA_RESET, Branch, deployment_name
from mesh.resources.values.body import Body
from mesh.resources.values.ref import DEPLOYMENT, PERSISTENT_VOLUME_CLAIM, STATEFUL_SET, Ref
from mesh.store import Store, Stored
from mesh.store.cascade import removal


class DataKeeper:
    """The stores of all branches. `changed` is called with a branch whose stores have got further."""

    def __init__(self, store: Store, copying: Copying | None, changed: Callable[[Key], None], events: Recorder) -> None:
        """Without `copying` no branch has data of its own."""
        self._store = store
        self._copying = copying
        self._work = DataWork(store, copying, changed, events)

    async def start(self) -> None:
        """Removes what a daemon that was killed has left of its copies."""
        if self._copying is not None:
            await asyncio.to_thread(remove_unfinished, self._copying.pods.claims, self._store)

    async def stop(self) -> None:
        """Ends what is under way. Idempotent."""
        await self._work.stop()

    def forget(self, key: Key) -> None:
        """The branch is gone; its claims go with it."""
        self._work.forget(key)

    def reconcile(self, key: Key, branch: Branch) -> dict[str, StoreState]:
        """Begins whatever a branch's stores need next; returns how far each is."""
        if self._copying is None:
            return {}
        names = [name for name, store in branch.spec.data.items() if not store.url]
        claims = claims_of(self._store, branch) if branch.spec.data or branch.status.data else {}
        stale = [claim for name, own in claims.items() for claim in own if _is_stale(branch, name, claim)]
        if stale:
            self._store.commit(removal(self._store, stale))
        states: dict[str, StoreState] = {}
        missing: list[StoreCopy] = []
        for name in names:
            states[name] = self._state(key, branch, name, claims.get(name, ()), missing)
        # All at one moment, so that they agree with each other: none begins while another has to wait.
        if missing and all(state.phase != "Waiting" for state in states.values()):
            self._work.copy(key, branch, missing)
        return states

    def _state(
        self, key: Key, branch: Branch, name: str, claims: Sequence[Stored], missing: list[StoreCopy]
    ) -> StoreState:
        """How far a store is. One that has to be copied is added to `missing`."""
        workload = self.workload(branch, name)
        about: Body = {"name": name, "from": branch.spec.data[name].source}
        if reset := branch.metadata.annotations.get(DATA_RESET):
            about["reset"] = reset
        if workload is None:
            what = branch.spec.data[name].workload or f"of Service {name}"
            return StoreState("Failed", 0, f"there is no workload {what} to copy", about)
        about["workload"] = kind_and_name(workload)
        current = next((claim for claim in claims if not _is_stale(branch, name, claim)), None)
        if current is not None:
            return self._with_copy(key, branch, name, workload, current, about)
        if claims:
            return StoreState("Waiting", 0, "the former copy is being removed", about)
        if failure := self._work.failure(key, branch, name):
            return StoreState("Failed", 0, failure, about)
        if not data_volumes(workload, branch.spec.data[name].volumes):
            return StoreState("Failed", 0, f"{about['workload']} has no volumes: there is no data to copy", about)
        missing.append(self.plan(branch, name, workload))
        return self._being_copied(key, about)

    def _with_copy(
        self, key: Key, branch: Branch, name: str, workload: Workload, claim: Stored, about: Body
    ) -> StoreState:
        annotations = claim.metadata.get("annotations") or {}
        about |= _figures(annotations)
        replicas = int(annotations.get(REPLICAS, "1"))
        if failure := self._work.failure(key, branch, name):
            return StoreState("Failed", replicas, failure, about)
        if not self._is_up(branch, name, replicas):
            return StoreState("Starting", replicas, "its pods are starting", about)
        command = command_of(branch.spec.data[name], workload, "after")
        if not command or annotations.get(PREPARED):
            return StoreState("Ready", replicas, "", about)
        self._work.prepare(key, branch, name, command)
        return StoreState("Starting", replicas, "its `after` command runs", about)

    def _being_copied(self, key: Key, about: Body) -> StoreState:
        job = self._work.job(key)
        if job is None or not job.progress.total:
            return StoreState("Copying", 0, "is about to be copied", about)
        progress = job.progress
        about |= {"bytes": progress.total, "copied": min(progress.copied, progress.total)}
        text = f"{progress.copied / 1e6:,.0f} of {progress.total / 1e6:,.0f} MB are copied"
        return StoreState("Copying", 0, text, about)

    def _is_up(self, branch: Branch, name: str, replicas: int) -> bool:
        """Whether every pod of the branch's store is ready."""
        fork, namespace = deployment_name(name, branch.metadata.name), branch.metadata.namespace
        for kind, count, least in ((STATEFUL_SET, "readyReplicas", replicas), (DEPLOYMENT, "availableReplicas", 1)):
            stored = self._store.get(Ref(*kind, namespace, fork))
            if stored is not None:
                return int((stored.body.get("status") or {}).get(count) or 0) >= least
        return False

    def workload(self, branch: Branch, name: str) -> Workload | None:
        """The baseline's workload that a store copies."""
        stored = self._store.get(Ref("", "Service", branch.metadata.namespace, name))
        service: Service | None = self._store.typed(stored) if stored is not None else None
        workloads: list[Workload] = [*self._store.of(StatefulSet), *self._store.of(Deployment)]
        workload = store_workload(branch.spec.data[name], service, workloads)
        return workload or store_workload(branch.spec.data[name], service, self._store.of(Pod))

    def plan(self, branch: Branch, name: str, workload: Workload) -> StoreCopy:
        """What has to be copied for a store."""
        namespace = branch.metadata.namespace
        specs: Mapping[str, Body] = {
            stored.ref.name: stored.body["spec"] for stored in self._store.list(*PERSISTENT_VOLUME_CLAIM, namespace)
        }
        return store_copy(branch, name, workload, specs, pods_of(workload, self._store.of(Pod)))


def _is_stale(branch: Branch, name: str, claim: Stored) -> bool:
    """Whether a claim is on its way out, or has to go: its copy is not the one that the branch asks for."""
    if claim.metadata.get("deletionTimestamp"):
        return True
    annotations = claim.metadata.get("annotations") or {}
    return name not in branch.spec.data or annotations.get(IDENTITY) != identity_of(branch, name)


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
