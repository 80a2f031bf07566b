"""Which volume a claim gets, and what a volume that is provisioned for it is. Pure.

Source: Kubernetes' "Persistent Volumes" (binding, reserving, reclaiming, class) and "Storage Classes".
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mesh.resources.core.persistent_volume import (
    DEFAULT_CLASS,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
)
from mesh.resources.values.body import Body
from mesh.resources.values.quantities import quantity
from mesh.resources.values.selectors import selects

PROVISIONER = "meshmall.dev/folder"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
BIND_COMPLETED, BOUND_BY_CONTROLLER = "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"
STORAGE = "storage"


class Provision(NamedTuple):
    """A volume is to be made for the claim. `known` says whether its class exists."""

    class_name: str
    reclaim_policy: str
    known: bool


class Wait(NamedTuple):
    """The claim stays Pending: why, as an event says it."""

    reason: str
    message: str


def default_class(classes: Iterable[StorageClass]) -> StorageClass | None:
    """The class of claims that name none: of several the youngest, as in Kubernetes."""
    marked = [one for one in classes if one.metadata.annotations.get(DEFAULT_CLASS) == "true"]
    return max(marked, key=lambda one: (one.metadata.creation_timestamp or "", one.metadata.name), default=None)


def volume_for(claim: PersistentVolumeClaim, volumes: Iterable[PersistentVolume]) -> PersistentVolume | None:
    """The existing volume that fits a claim best: one that is reserved for it, otherwise the smallest."""
    fitting = [volume for volume in volumes if _fits(claim, volume)]
    return min(
        fitting, key=lambda volume: (not _reserved(claim, volume), _size(volume), volume.metadata.name), default=None
    )


def without_volume(
    claim: PersistentVolumeClaim, classes: Mapping[str, StorageClass], *, has_consumer: bool
) -> Provision | Wait:
    """What to do for a claim that no existing volume fits.

    A class that does not exist would keep the claim waiting on a cluster. Here it is provisioned all the same:
    manifests name the classes of the clusters they come from, and every class is a folder of the home.
    """
    name = claim.spec.storage_class_name
    if claim.spec.volume_name:
        return Wait("FailedBinding", f'volume "{claim.spec.volume_name}" is not there, does not fit, or is taken')
    if not name:
        message = "no persistent volumes available for this claim and no storage class is set"
        return Wait("FailedBinding", message)
    if claim.spec.volume_mode == "Block":
        return Wait("ProvisioningFailed", "volumeMode Block cannot be had here; a volume is a folder")
    storage_class = classes.get(name)
    if storage_class is None:
        return Provision(name, "Delete", known=False)
    if storage_class.volume_binding_mode == "WaitForFirstConsumer" and not has_consumer:
        return Wait("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    return Provision(name, storage_class.reclaim_policy, known=True)


def provisioned(claim: PersistentVolumeClaim, provision: Provision, path: str) -> Body:
    """The PersistentVolume for a claim: a folder."""
    metadata, spec = claim.metadata, claim.spec
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": f"pvc-{metadata.uid}",
            "annotations": {PROVISIONED_BY: PROVISIONER},
            "finalizers": ["kubernetes.io/pv-protection"],
        },
        "spec": {
            "capacity": {STORAGE: spec.resources.requests.get(STORAGE, "1Gi")},
            "accessModes": list(spec.access_modes),
            "hostPath": {"path": path, "type": "DirectoryOrCreate"},
            "persistentVolumeReclaimPolicy": provision.reclaim_policy,
            "storageClassName": provision.class_name,
            "volumeMode": spec.volume_mode,
            "claimRef": claim_reference(claim),
        },
        "status": {"phase": "Bound"},
    }


def claim_reference(claim: PersistentVolumeClaim) -> Body:
    """A volume's claimRef."""
    metadata = claim.metadata
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": metadata.namespace,
        "name": metadata.name,
        "uid": metadata.uid,
    }


def _fits(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    spec, metadata = volume.spec, volume.metadata
    if metadata.deletion_timestamp or (spec.claim_ref is not None and not _reserved(claim, volume)):
        return False
    if claim.spec.volume_name:
        # The claim asks for this one: of what it is, only its size must do.
        return claim.spec.volume_name == metadata.name and _size(volume) >= _requested(claim)
    return (
        (_reserved(claim, volume) or volume.status.phase in ("", "Pending", "Available"))
        and (claim.spec.storage_class_name or "") == spec.storage_class_name
        and set(claim.spec.access_modes) <= set(spec.access_modes)
        and claim.spec.volume_mode == spec.volume_mode
        and _size(volume) >= _requested(claim)
        and (claim.spec.selector is None or selects(claim.spec.selector, metadata.labels))
    )


def _reserved(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    """Whether a volume names this claim; without a uid anybody has written it ahead ("reserving")."""
    reference = volume.spec.claim_ref
    if reference is None:
        return False
    same = (reference.namespace, reference.name) == (claim.metadata.namespace, claim.metadata.name)
    return same and reference.uid in ("", claim.metadata.uid)


def _size(volume: PersistentVolume) -> float:
    return quantity(volume.spec.capacity.get(STORAGE, 0))


def _requested(claim: PersistentVolumeClaim) -> float:
    return quantity(claim.spec.resources.requests.get(STORAGE, 0))
