"""Snapshots: the data of stores at one moment, kept under a name, for branches to begin with or to go back to.

A snapshot is a folder `snapshots/<namespace>/<name>` of the home with `snapshot.json` and a folder for each volume,
`<store>/<volume>.<ordinal>`. It is made beside its place and renamed when it is complete.
"""

import asyncio
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mesh.branches.data.copy_job import CopyJob, DataError, Source
from mesh.branches.data.keeper import DataKeeper
from mesh.branches.data.stores import StoreCopy
from mesh.branches.data.work import Copying
from mesh.pods.storage.copying import CopyError, Progress, TreeCopy, require_space, size_of
from mesh.pods.storage.volumes import PARTIAL
from mesh.reconcile.follower import Follower
from mesh.reconcile.writing import update
from mesh.resources.analysis.stores import kind_and_name, pod_metadata
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import BRANCH_LABEL, Branch, BranchData, BranchSpec
from mesh.resources.values.body import Body
from mesh.resources.values.meta import ObjectMeta, ref_of
from mesh.resources.values.ref import Ref
from mesh.store import Store

DESCRIPTION = "snapshot.json"
# Beside a claim's folder while a snapshot takes its place; and what a restore has to put right if the daemon dies.
ASIDE, JOURNAL = ".before-restore", "restore.json"
STOP_LIMIT = 120.0


@dataclass(slots=True)
class SnapshotJob(CopyJob):
    """Copies stores of the baseline into a snapshot. `branch` is none that exists: it says what is copied."""

    name: str = ""

    @property
    def places(self) -> Path:
        return self.pods.snapshots / self.branch.metadata.namespace

    def _placed(self, stage: Path, sources: Sequence[Source]) -> list[Path]:
        return [stage / "made" / _folder(source.copy, source) for source in sources]

    def _finish(self, stage: Path, sources: Sequence[Source], placed: Sequence[Path]) -> None:
        stores: dict[str, Body] = {}
        for source, place in zip(sources, placed, strict=True):
            store = stores.setdefault(source.copy.store, {"workload": kind_and_name(source.copy.workload), "bytes": 0})
            store["bytes"] += size_of(place) if place.is_dir() else 0
            place.mkdir(parents=True, exist_ok=True)
        description = {
            "name": self.name,
            "namespace": self.branch.metadata.namespace,
            "created": datetime.fromtimestamp(self._moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "frozenMilliseconds": round(self._frozen),
            "shared": self.progress.shared,
            "stores": stores,
        }
        (stage / "made" / DESCRIPTION).write_text(json.dumps(description, indent=2))
        (stage / "made").rename(self.places / self.name)


def _folder(copy: StoreCopy, source: Source) -> str:
    return f"{copy.store}/{source.volume.volume}.{source.volume.ordinal}"


class Snapshots:
    """The snapshots of a home."""

    def __init__(self, store: Store, copying: Copying, keeper: DataKeeper) -> None:
        self._store = store
        self._copying = copying
        self._keeper = keeper
        self._folder = copying.pods.snapshots

    async def start(self) -> None:
        """Removes what a daemon that was killed has left half made, and ends what it was restoring."""
        await asyncio.to_thread(self._remove_unfinished)
        journal = self._folder / JOURNAL
        with suppress(OSError, ValueError):
            await self._put_right(json.loads(journal.read_text()))
        journal.unlink(missing_ok=True)

    def in_namespace(self, namespace: str) -> list[Body]:
        """The descriptions of a namespace's snapshots, the oldest first."""
        descriptions = []
        for path in (self._folder / namespace).glob(f"*/{DESCRIPTION}"):
            with suppress(OSError, ValueError):
                descriptions.append(json.loads(path.read_text()))
        return sorted(descriptions, key=lambda one: (one["created"], one["name"]))

    async def create(self, namespace: str, name: str, stores: dict[str, BranchData]) -> Body:
        """Copies these stores of the baseline at one moment. Raises DataError."""
        if (self._folder / namespace / name).exists():
            raise DataError(f"snapshot {name} already exists; delete it first: meshmall snapshot delete {name}")
        branch = Branch(
            "meshmall.dev/v1",
            "Branch",
            metadata=ObjectMeta(name=name, namespace=namespace),
            spec=BranchSpec(data=stores),
        )
        copies = [self._plan(branch, store) for store in stores]
        job = SnapshotJob(branch, copies, self._store, self._copying.pods, self._copying.quieten, name=name)
        await job.run()
        return next(one for one in self.in_namespace(namespace) if one["name"] == name)

    def _plan(self, branch: Branch, store: str) -> StoreCopy:
        workload = self._keeper.workload(branch, store)
        if workload is None:
            raise DataError(f"there is no workload of Service {branch.metadata.namespace}/{store} to copy")
        copy = self._keeper.plan(branch, store, workload)
        if not copy.volumes:
            raise DataError(f"{kind_and_name(workload)} has no volumes: there is no data to copy")
        return copy

    async def delete(self, namespace: str, name: str) -> None:
        """Removes a snapshot; branches that began with it keep their copies. Raises DataError when there is none."""
        self.require(namespace, name)
        aside = self._folder / namespace / f"{PARTIAL}{name}-deleted"
        (self._folder / namespace / name).rename(aside)
        await asyncio.to_thread(shutil.rmtree, aside, True)

    def require(self, namespace: str, name: str) -> Body:
        """The description of a snapshot. Raises DataError that names those that exist."""
        existing = self.in_namespace(namespace)
        description = next((one for one in existing if one["name"] == name), None)
        if description is None:
            names = ", ".join(one["name"] for one in existing) or "none"
            raise DataError(f"there is no snapshot {name!r} in namespace {namespace} (it has {names})")
        return description

    async def restore(self, namespace: str, name: str) -> Body:
        """Puts the baseline's stores back to a snapshot: their pods are stopped, and start on it. Raises DataError."""
        description = self.require(namespace, name)
        stores = {store: BranchData(workload=one["workload"]) for store, one in description["stores"].items()}
        branch = Branch(
            "meshmall.dev/v1",
            "Branch",
            metadata=ObjectMeta(name=name, namespace=namespace),
            spec=BranchSpec(data=stores),
        )
        copies = [self._plan(branch, store) for store in stores]
        if any(isinstance(copy.workload, Pod) for copy in copies):
            raise DataError("a pod without a workload cannot be stopped for a restore; restore it by hand")
        job = CopyJob(branch, copies, self._store, self._copying.pods, self._copying.quieten)
        pairs: list[tuple[Path, Path]] = []
        for copy in copies:
            for volume in copy.volumes:
                if not volume.source_claim:
                    raise DataError(f"volume {volume.volume} of {copy.store} is a pod's own and ends with it")
                source = self._folder / namespace / name / copy.store / f"{volume.volume}.{volume.ordinal}"
                pairs.append((source, job.volume_folder(namespace, volume)))
        await asyncio.to_thread(self._stage, pairs)
        await self._exchange(copies, pairs)
        return description

    def _stage(self, pairs: Sequence[tuple[Path, Path]]) -> None:
        """Copies the snapshot beside the claims' folders, while everything runs."""
        try:
            for source, folder in pairs:
                if not source.is_dir():
                    raise CopyError(f"the snapshot has no {source.parent.name}/{source.name}")
                staged = _staged(folder)
                shutil.rmtree(staged, ignore_errors=True)
                require_space(0, folder.parent)
                TreeCopy(source, staged, Progress()).second_pass()
        except CopyError as error:
            for _, folder in pairs:
                shutil.rmtree(_staged(folder), ignore_errors=True)
            raise DataError(str(error)) from None

    async def _exchange(self, copies: Sequence[StoreCopy], pairs: Sequence[tuple[Path, Path]]) -> None:
        """Stops the stores, gives them the other folders, and starts them; the journal ends it after a crash."""
        workloads = [ref_of(copy.workload) for copy in copies]
        before = [(ref, self._replicas(ref)) for ref in workloads]
        journal = {"replicas": [[list(ref), n] for ref, n in before], "folders": [str(folder) for _, folder in pairs]}
        (self._folder / JOURNAL).write_text(json.dumps(journal))
        try:
            for ref, _ in before:
                self._scale(ref, 0)
            async with asyncio.timeout(STOP_LIMIT):
                await self._stopped(copies)
            for _, folder in pairs:
                aside = folder.with_name(f"{folder.name}{ASIDE}")
                if folder.is_dir():
                    folder.rename(aside)
                _staged(folder).rename(folder)
        except TimeoutError:
            raise DataError(f"the pods did not stop within {STOP_LIMIT:g} s; nothing was restored") from None
        finally:
            await self._put_right(journal)
            (self._folder / JOURNAL).unlink(missing_ok=True)

    async def _stopped(self, copies: Sequence[StoreCopy]) -> None:
        """Returns when no pod of these workloads is left, those that are ending included."""
        own = [(copy.workload.metadata.namespace, pod_metadata(copy.workload).labels.items()) for copy in copies]
        with Follower(self._store) as follower:
            while any(
                pod.metadata.namespace == namespace
                and BRANCH_LABEL not in pod.metadata.labels
                and labels <= pod.metadata.labels.items()
                for pod in self._store.of(Pod)
                for namespace, labels in own
            ):
                await follower.next()

    def _replicas(self, ref: Ref) -> int:
        stored = self._store.get(ref)
        return int(stored.body["spec"].get("replicas", 1)) if stored is not None else 0

    def _scale(self, ref: Ref, replicas: int) -> None:
        update(self._store, ref, lambda body: body["spec"].update(replicas=replicas))

    async def _put_right(self, journal: dict[str, Any]) -> None:
        """Whatever happened: each claim has a folder, nothing is left beside it, and the stores run."""
        await asyncio.to_thread(_tidy, [Path(folder) for folder in journal["folders"]])
        for words, replicas in journal["replicas"]:
            self._scale(Ref(*words), replicas)

    def _remove_unfinished(self) -> None:
        for folder in self._folder.glob(f"*/{PARTIAL}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _tidy(folders: Sequence[Path]) -> None:
    for folder in folders:
        aside = folder.with_name(f"{folder.name}{ASIDE}")
        if not folder.is_dir() and aside.is_dir():
            aside.rename(folder)
        for rest in (aside, _staged(folder)):
            shutil.rmtree(rest, ignore_errors=True)


def _staged(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.restoring")
