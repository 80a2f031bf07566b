"""Makes the copies of a branch's stores: all of them at one moment, whole or not at all.

A copy is made in a folder of its own, moved to its place once it is complete, and only then are the claims created: one
commit of the store for all of them. Whatever ends the daemon in between leaves folders that no volume names, which the
next daemon removes (`remove_unfinished`).
"""

import asyncio
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from mesh.branches.data.stores import (
    StoreCopy,
    VolumeCopy,
    claim_body,
    command_of,
    describe,
    pods_of,
    requested,
    users_of,
)
from mesh.pods.freezing.freezer import FreezeError, Quieten
from mesh.pods.storage.binding import PROVISIONED_BY, PROVISIONER
from mesh.pods.storage.copying import (
    CopyError,
    Progress,
    TreeCopy,
    can_share,
    mapped_files,
    require_space,
    size_of,
)
from mesh.pods.storage.volumes import COPIES, PARTIAL, folder_of_volume
from mesh.pods.store_pods import StorePods
from mesh.resources.core.persistent_volume import PersistentVolume, PersistentVolumeClaim
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import BASELINE, EMPTY, Branch
from mesh.resources.values.body import Body
from mesh.resources.values.durations import seconds
from mesh.resources.values.ref import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, Ref
from mesh.store import Change, Put, Store, StoreError

T = TypeVar("T")
# Seconds for a `before` or `after` command, and how much of its output an error shows.
HOOK_LIMIT, OUTPUT_SHOWN = 120.0, 1500


class DataError(Exception):
    """A store cannot be copied or prepared; the message says why and what can be done."""


class Made(NamedTuple):
    """What a finished job has made: for how long pods stood still, and whether blocks are shared."""

    frozen_milliseconds: float
    bytes: int
    shared: bool
    moment: float


class Source(NamedTuple):
    """A volume to be copied: from where (None: it begins empty), and the folder in which it is made."""

    copy: StoreCopy
    volume: VolumeCopy
    folder: Path | None
    target: Path


@dataclass(slots=True)
class CopyJob:
    """One job: the stores of one branch. `progress` can be read while it runs."""

    branch: Branch
    copies: Sequence[StoreCopy]
    store: Store
    pods: StorePods
    quieten: Quieten
    progress: Progress = field(default_factory=Progress)
    _token: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    _cancelled: bool = False
    _frozen: float = 0.0
    _moment: float = field(default_factory=time.time)

    @property
    def places(self) -> Path:
        """The folder in which the copy is made and in which it stays."""
        return self.pods.claims / COPIES

    async def run(self) -> Made:
        """Raises DataError; then nothing is left of it."""
        stage = self.places / f"{PARTIAL}{self._token}"
        placed: list[Path] = []
        try:
            sources = self._sources(stage)
            await self._in_thread(lambda: self._prepare(stage, sources))
            await self._copy([source for source in sources if source.folder is not None])
            placed = self._placed(stage, sources)
            await self._in_thread(lambda: self._place(sources, placed))
            self._finish(stage, sources, placed)
        except (CopyError, FreezeError, StoreError, OSError) as error:
            await asyncio.to_thread(_remove, placed)
            raise DataError(str(error)) from None
        except BaseException:
            await asyncio.shield(asyncio.to_thread(_remove, placed))
            raise
        finally:
            await asyncio.shield(asyncio.to_thread(_remove, [stage]))
        return Made(self._frozen, self.progress.total, self.progress.shared, self._moment)

    def _placed(self, _stage: Path, sources: Sequence[Source]) -> list[Path]:
        """Where each copy stays."""
        return [self.places / f"{self._token}-{source.volume.claim}" for source in sources]

    def _finish(self, _stage: Path, sources: Sequence[Source], placed: Sequence[Path]) -> None:
        """Makes the copies known, all at once."""
        self.store.commit(self._changes(sources, placed))

    def _sources(self, stage: Path) -> list[Source]:
        return [
            Source(copy, volume, self._folder(copy, volume), stage / volume.claim)
            for copy in self.copies
            for volume in copy.volumes
        ]

    def _folder(self, copy: StoreCopy, volume: VolumeCopy) -> Path | None:
        namespace, origin = self.branch.metadata.namespace, self.branch.spec.data[copy.store].source
        if origin == EMPTY:
            return None
        if origin != BASELINE:
            folder = self.pods.snapshots / namespace / origin / copy.store / f"{volume.volume}.{volume.ordinal}"
            if not folder.is_dir():
                raise DataError(
                    f"snapshot {origin} has no volume {volume.volume} of pod {volume.ordinal} of {copy.store}; "
                    "meshmall snapshot list shows what there is"
                )
            return folder
        folder = self.volume_folder(namespace, volume)
        # A volume that nobody has used yet is a folder that nobody has made yet.
        return folder if folder.is_dir() else None

    def volume_folder(self, namespace: str, volume: VolumeCopy) -> Path:
        """Where a volume of the baseline lies. Raises DataError."""
        if not volume.source_claim:
            pod = self.store.get(Ref("", "Pod", namespace, volume.pod))
            if pod is None:
                raise DataError(
                    f"pod {volume.pod or 'of the workload'} is not there: its volume {volume.volume} is its own"
                )
            return self.pods.folder(pod.uid, volume.volume)
        stored = self.store.get(Ref(*PERSISTENT_VOLUME_CLAIM, namespace, volume.source_claim))
        claim: PersistentVolumeClaim | None = stored.typed if stored is not None else None
        bound = self.store.get(Ref(*PERSISTENT_VOLUME, "", claim.spec.volume_name)) if claim is not None else None
        folder = folder_of_volume(bound.typed) if bound is not None else None
        if folder is None:
            raise DataError(f"claim {volume.source_claim} has no volume on this machine yet: there is nothing to copy")
        return folder

    def _prepare(self, stage: Path, sources: Sequence[Source]) -> None:
        """Whether there is room, before anything is copied."""
        stage.mkdir(parents=True)
        needed = 0
        for source in sources:
            if source.folder is not None:
                size = size_of(source.folder)
                self.progress.total += size
                needed += 0 if can_share(source.folder, stage) else size
        require_space(needed, stage)

    async def _copy(self, sources: Sequence[Source]) -> None:
        """The first pass while everything runs, the second while the baseline's pods stand still."""
        live = [source for source in sources if self.branch.spec.data[source.copy.store].source == BASELINE]
        trees = {
            source.target: TreeCopy(source.folder, source.target, self.progress, self._stop)
            for source in sources
            if source.folder is not None
        }
        pods = self._pods({source.copy.store: source.copy for source in live}.values(), live)
        for copy in {source.copy.store: source.copy for source in live}.values():
            await self._before(copy)
        for source in sources:
            await self._in_thread(partial(trees[source.target].first_pass, time.time()))
        if not live:
            return
        limits = [self.branch.spec.data[source.copy.store].freeze_limit for source in live]
        shortest = min(limits, key=seconds)
        limit = seconds(shortest)
        async with self.pods.frozen([pod.metadata.uid or "" for pod in pods], limit, self.quieten) as freeze:
            self._moment = time.time()

            def over() -> str:
                return self._stop() or (self._too_slow(shortest) if freeze.is_over else "")

            mapped = mapped_files(freeze.pids)
            for source in live:
                tree = trees[source.target]
                tree.stop = over
                await self._in_thread(partial(tree.second_pass, mapped))
            if reason := over():
                raise CopyError(reason)
        self._frozen = freeze.milliseconds

    def _too_slow(self, limit: str) -> str:
        return (
            f"copying took longer than the pods may stand still ({limit}); they run again. Allow more (--freeze-limit "
            "10s), put the mesh's home on a file system with reflinks (XFS, Btrfs), or begin with --data NAME=empty "
            "and load a dump"
        )

    def _pods(self, copies: Iterable[StoreCopy], sources: Sequence[Source]) -> list[Pod]:
        """Whose processes may write to what is copied."""
        everyone = self.store.of(Pod)
        claims = [source.volume.source_claim for source in sources if source.volume.source_claim]
        pods = [pod for copy in copies for pod in pods_of(copy.workload, everyone)]
        pods += users_of(claims, self.branch.metadata.namespace, everyone)
        return list({pod.metadata.uid: pod for pod in pods}.values())

    async def _before(self, copy: StoreCopy) -> None:
        command = command_of(self.branch.spec.data[copy.store], copy.workload, "before")
        if command:
            for pod in pods_of(copy.workload, self.store.of(Pod)):
                await run_hook(self.pods, pod, command, f"the command before copying {describe(copy)}")

    def _place(self, sources: Sequence[Source], placed: Sequence[Path]) -> None:
        for source, place in zip(sources, placed, strict=True):
            if source.folder is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
                source.target.rename(place)

    def _changes(self, sources: Sequence[Source], placed: Sequence[Path]) -> list[Change]:
        changes: list[Change] = []
        namespace = self.branch.metadata.namespace
        for number, (source, place) in enumerate(zip(sources, placed, strict=True)):
            name = f"pvc-{self._token}-{number}"
            claim = claim_body(self.branch, source.copy, source.volume, name)
            changes.append(Put(Ref(*PERSISTENT_VOLUME, "", name), _volume(name, claim, source.volume, place), 0))
            changes.append(Put(Ref(*PERSISTENT_VOLUME_CLAIM, namespace, source.volume.claim), claim, 0))
        return changes

    def _stop(self) -> str:
        return "it was cancelled" if self._cancelled else ""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Runs it in a thread, which has ended when this returns, cancelled or not."""
        future = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._cancelled = True
            with suppress(Exception):
                await future
            raise


async def run_hook(pods: StorePods, pod: Pod, command: Sequence[str], what: str) -> None:
    """Runs a command in a pod. Raises DataError with its output."""
    try:
        code, output = await pods.run(pod.metadata.uid or "", command, HOOK_LIMIT)
    except TimeoutError:
        raise DataError(f"{what} did not end in pod {pod.metadata.name} within {HOOK_LIMIT:g} s") from None
    if code != 0:
        shown = output.strip()[-OUTPUT_SHOWN:] or "no output"
        raise DataError(f"{what} ended with {code} in pod {pod.metadata.name}: {' '.join(command)}\n{shown}")


def _volume(name: str, claim: Body, volume: VolumeCopy, folder: Path) -> Body:
    """The PersistentVolume of a copy, reserved for its claim. It is deleted with it."""
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    reference |= {key: claim["metadata"][key] for key in ("namespace", "name")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "labels": dict(claim["metadata"]["labels"]),
            "annotations": {PROVISIONED_BY: PROVISIONER},
            "finalizers": ["kubernetes.io/pv-protection"],
        },
        "spec": {
            "capacity": {"storage": requested(volume)},
            "accessModes": claim["spec"]["accessModes"],
            "hostPath": {"path": str(folder), "type": "DirectoryOrCreate"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": claim["spec"]["storageClassName"],
            "volumeMode": "Filesystem",
            "claimRef": reference,
        },
        "status": {"phase": "Pending"},
    }


def remove_unfinished(claims: Path, store: Store) -> None:
    """Removes what copies that were under way have left when their daemon was killed."""
    named = {str(folder) for volume in store.of(PersistentVolume) if (folder := folder_of_volume(volume)) is not None}
    copies = claims / COPIES
    if copies.is_dir():
        _remove([folder for folder in copies.iterdir() if str(folder) not in named])


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.exists():
            # A folder that nobody may write to keeps what is in it.
            for inner in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]:
                with suppress(OSError):
                    inner.chmod(0o700)
            shutil.rmtree(folder, ignore_errors=True)
