"""What is under way for branches' stores: copies that are being made, and commands that prepare them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mesh.branches.data.copy_job import CopyJob, DataError, run_hook
from mesh.branches.data.stores import PREPARED, StoreCopy, identity_of
from mesh.branches.expiry import rfc3339
from mesh.branches.record import Key
from mesh.pods.controllers.events import Recorder
from mesh.pods.freezing.freezer import Quieten
from mesh.pods.store_pods import StorePods
from mesh.reconcile.writing import update
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL, Branch
from mesh.resources.values.body import Body
from mesh.resources.values.ref import PERSISTENT_VOLUME_CLAIM
from mesh.store import Store, Stored

log = logging.getLogger(__name__)

# On the claims of a branch: how the copy was made, for its status.
FROZEN, BYTES, SHARED, COPIED_AT = (
    f"meshmall.dev/data-{name}" for name in ("frozen-milliseconds", "bytes", "shared", "copied-at")
)
# Seconds between two looks at how far a copy is.
PROGRESS_EVERY = 0.25
COPY = "copy"


class Copying(NamedTuple):
    """What stores are copied with: the pods that have them, and what keeps Envoy from punishing those."""

    pods: StorePods
    quieten: Quieten


@dataclass(slots=True)
class _Work:
    """What is under way for one branch, by name, and what has failed: by store, identity and generation, so that any
    change of the branch is another attempt."""

    job: CopyJob | None = None
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    failures: dict[tuple[str, str, int], str] = field(default_factory=dict)


class DataWork:
    """The tasks of all branches. `changed` is called with a branch whose stores have got further."""

    def __init__(self, store: Store, copying: Copying | None, changed: Callable[[Key], None], events: Recorder) -> None:
        self._store = store
        self._means = copying
        self._changed = changed
        self._events = events
        self._work: dict[Key, _Work] = {}

    async def stop(self) -> None:
        """Ends what is under way: no copy is left half made."""
        tasks = [task for work in self._work.values() for task in work.tasks.values()]
        self._work.clear()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    def forget(self, key: Key) -> None:
        """The branch is gone: what is being copied for it is given up."""
        work = self._work.pop(key, None)
        for task in work.tasks.values() if work is not None else ():
            task.cancel()

    def job(self, key: Key) -> CopyJob | None:
        """The copy that is being made for a branch."""
        return self._of(key).job

    def failure(self, key: Key, branch: Branch, name: str) -> str:
        """Why a store of the branch, as it is now, could not be copied or prepared; "" when nothing has failed."""
        return self._of(key).failures.get((name, identity_of(branch, name), branch.metadata.generation), "")

    def copy(self, key: Key, branch: Branch, copies: Sequence[StoreCopy]) -> None:
        """Begins to copy these stores, unless a copy is being made."""
        self._begin(key, COPY, lambda: self._copy(key, branch, copies))

    def prepare(self, key: Key, branch: Branch, name: str, command: Sequence[str]) -> None:
        """Begins to run the `after` command of a store, unless it runs."""
        self._begin(key, f"after {name}", lambda: self._prepare(key, branch, name, command))

    def _of(self, key: Key) -> _Work:
        return self._work.setdefault(key, _Work())

    def _begin(self, key: Key, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        tasks = self._of(key).tasks
        if name in tasks:
            return
        task = tasks[name] = asyncio.create_task(work())

        def ended(_task: asyncio.Task[None]) -> None:
            tasks.pop(name, None)
            if not task.cancelled():
                if (error := task.exception()) is not None:
                    log.error("the data of %s", key, exc_info=error)
                self._changed(key)

        task.add_done_callback(ended)

    async def _copy(self, key: Key, branch: Branch, copies: Sequence[StoreCopy]) -> None:
        work, names = self._of(key), [copy.store for copy in copies]
        assert self._means is not None
        job = work.job = CopyJob(branch, copies, self._store, self._means.pods, self._means.quieten)
        watching = asyncio.create_task(self._report(key, job))
        try:
            made = await job.run()
        except DataError as error:
            self._fail(key, branch, names, str(error))
            return
        except Exception as error:
            # Not again and again: whatever it is, the branch shows it, and a change of the branch is another attempt.
            self._fail(key, branch, names, f"{type(error).__name__}: {error}")
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
        annotate(self._store, branch, names, figures)
        stored = self._store.get(key.ref)
        if stored is not None:
            size = f"{made.bytes / 1e6:,.0f} MB{', sharing blocks' if made.shared else ''}"
            message = f"copied {', '.join(names)}: {size}, frozen for {made.frozen_milliseconds:,.0f} ms"
            self._events.normal(stored, "DataCopied", message)

    async def _report(self, key: Key, job: CopyJob) -> None:
        """The branch's status shows how far the copy is."""
        before = 0
        while True:
            await asyncio.sleep(PROGRESS_EVERY)
            if job.progress.copied != before:
                before = job.progress.copied
                self._changed(key)

    async def _prepare(self, key: Key, branch: Branch, name: str, command: Sequence[str]) -> None:
        """Runs the `after` command in each pod of the branch's store."""
        own = {BRANCH_LABEL: branch.metadata.name, SERVICE_LABEL: name}.items()
        pods = [
            pod
            for pod in self._store.of(Pod)
            if pod.metadata.namespace == branch.metadata.namespace and own <= pod.metadata.labels.items()
        ]
        assert self._means is not None
        try:
            for pod in pods:
                await run_hook(self._means.pods, pod, command, f"the command after copying {name}")
        except DataError as error:
            self._fail(key, branch, [name], str(error))
            return
        annotate(self._store, branch, [name], {PREPARED: "true"})

    def _fail(self, key: Key, branch: Branch, names: Iterable[str], reason: str) -> None:
        for name in names:
            self._of(key).failures[name, identity_of(branch, name), branch.metadata.generation] = reason
        stored = self._store.get(key.ref)
        if stored is not None:
            self._events.warning(stored, "DataFailed", reason)


def claims_of(store: Store, branch: Branch) -> dict[str, list[Stored]]:
    """The branch's own claims, by the name of their store."""
    claims: dict[str, list[Stored]] = {}
    for stored in store.dependents(branch.metadata.uid):
        if stored.ref.group_kind == PERSISTENT_VOLUME_CLAIM:
            name = (stored.metadata.get("labels") or {}).get(SERVICE_LABEL, "")
            claims.setdefault(name, []).append(stored)
    return claims


def annotate(store: Store, branch: Branch, names: Iterable[str], annotations: Mapping[str, str]) -> None:
    """Writes annotations on the claims of these stores of a branch."""
    claims = claims_of(store, branch)

    def write(body: Body) -> None:
        body["metadata"]["annotations"] = {**(body["metadata"].get("annotations") or {}), **annotations}

    for name in names:
        for claim in claims.get(name, ()):
            update(store, claim.ref, write)
