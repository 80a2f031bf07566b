"""PersistentVolumes: their phase, and what becomes of one that its claim has left."""

import asyncio
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.objects import Objects, now
from mesh.pods.environment import ConfigError
from mesh.pods.storage.binding import PROVISIONED_BY, PROVISIONER
from mesh.resources.core.persistent_volume import DEFAULT_CLASS, PersistentVolume, PersistentVolumeClaim
from mesh.resources.core.pod import HostPathVolumeSource
from mesh.resources.validation.workload_defaults import VOLUME_PROTECTION
from mesh.resources.values.ref import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS, Ref
from mesh.store import Event, Put, Store, Stored

STANDARD = "standard"
# A folder on its way out; the next daemon removes what one that was killed has left.
RELEASED = ".released-"
# In the folder of claims: the copies of branches, and those that are being made.
COPIES, PARTIAL = ".copies", ".partial-"


class VolumeController(Controller):
    """Writes the phase of volumes, and removes provisioned ones with their data when their class says so."""

    kind = PERSISTENT_VOLUME

    def __init__(self, objects: Objects, claims: Path) -> None:
        """`claims` is the folder in which volumes are provisioned."""
        super().__init__(objects)
        self._claims = claims
        self._removals: set[asyncio.Future[None]] = set()

    def reconcile(self, ref: Ref) -> None:
        """One look at one volume."""
        stored = self._objects.store.get(ref)
        if stored is None:
            return
        phase = self._phase(stored.typed)
        volume: PersistentVolume = stored.typed
        provisioned_here = volume.metadata.annotations.get(PROVISIONED_BY) == PROVISIONER
        if phase == "Released" and provisioned_here and volume.spec.persistent_volume_reclaim_policy == "Delete":
            self._remove_data(volume)
            self._objects.delete(ref)
        elif stored.metadata.get("deletionTimestamp") and phase != "Bound":
            self._let_go(stored)
        elif volume.status.phase != phase or volume.status.last_phase_transition_time is None:
            self._objects.set_status(ref, {"phase": phase, "lastPhaseTransitionTime": now()})

    def affected(self, event: Event) -> Iterable[Ref]:
        """A claim is bound to its volume, or has left it."""
        if event.object.ref.group_kind == PERSISTENT_VOLUME_CLAIM:
            uid = event.object.uid
            for volume in self._objects.store.of(PersistentVolume):
                if volume.spec.claim_ref is not None and volume.spec.claim_ref.uid == uid:
                    yield Ref(*PERSISTENT_VOLUME, "", volume.metadata.name)

    def _phase(self, volume: PersistentVolume) -> str:
        reference = volume.spec.claim_ref
        if reference is None or not reference.uid:
            return "Available"
        stored = self._objects.store.get(Ref(*PERSISTENT_VOLUME_CLAIM, reference.namespace, reference.name))
        return "Bound" if stored is not None and stored.uid == reference.uid else "Released"

    def _let_go(self, stored: Stored) -> None:
        others = [name for name in stored.metadata.get("finalizers") or () if name != VOLUME_PROTECTION]
        if others:
            self._objects.update(stored.ref, lambda body: body["metadata"].update(finalizers=others))
        else:
            self._objects.delete(stored.ref)

    def _remove_data(self, volume: PersistentVolume) -> None:
        """Moves the folder aside at once, so that a new claim of the name begins empty, and then removes it."""
        folder = folder_of_volume(volume)
        if folder is None or not folder.is_relative_to(self._claims) or not folder.is_dir():
            return
        aside = folder.with_name(f"{RELEASED}{volume.metadata.name}")
        with suppress(OSError):
            folder.rename(aside)
            removal = asyncio.get_running_loop().run_in_executor(None, _remove, aside)
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)


def ensure_storage_class(store: Store) -> None:
    """The class of claims that name none, unless there is a default class already."""
    ref = Ref(*STORAGE_CLASS, "", STANDARD)
    if store.get(ref) is not None:
        return
    body = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STANDARD, "annotations": {DEFAULT_CLASS: "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }
    store.commit([Put(ref, body)])


def remove_released(claims: Path) -> None:
    """Removes the folders that a former daemon was still removing when it ended."""
    for folder in claims.glob(f"*/{RELEASED}*"):
        _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def folder_of_volume(volume: PersistentVolume) -> Path | None:
    """Where a volume's data lies on this machine; None for one that lies elsewhere."""
    if volume.spec.host_path is not None:
        return Path(volume.spec.host_path.path)
    return Path(volume.spec.local.path) if volume.spec.local is not None else None


def source_of_claim(store: Store, namespace: str, name: str) -> HostPathVolumeSource:
    """The folder that a claim's volume is. Raises ConfigError while there is none."""
    stored = store.get(Ref(*PERSISTENT_VOLUME_CLAIM, namespace, name))
    if stored is None:
        raise ConfigError(f'persistentvolumeclaim "{name}" not found')
    claim: PersistentVolumeClaim = stored.typed
    volume_ref = Ref(*PERSISTENT_VOLUME, "", claim.spec.volume_name)
    volume = store.get(volume_ref) if claim.status.phase == "Bound" else None
    if volume is None:
        raise ConfigError(f'persistentvolumeclaim "{name}" is not bound: kubectl describe pvc {name} says why')
    folder = folder_of_volume(volume.typed)
    if folder is None:
        raise ConfigError(
            f'persistentvolume "{volume_ref.name}" of persistentvolumeclaim "{name}" is not on this machine; only '
            "hostPath and local can be mounted here"
        )
    source: PersistentVolume = volume.typed
    return source.spec.host_path or HostPathVolumeSource(path=str(folder))
