"""Binds PersistentVolumeClaims to volumes, provisions what they ask for, and reclaims what they leave.

A volume that is provisioned is the folder `claims/<namespace>/<claim>` of the mesh's home: it survives its pods and the
mesh. A claim is not removed while a pod uses it, nor a volume while it is bound (Kubernetes, "Storage Object in Use
Protection").
"""

from collections.abc import Iterable
from pathlib import Path

from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.pods.storage.binding import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    PROVISIONER,
    STORAGE,
    Provision,
    Wait,
    claim_reference,
    default_class,
    provisioned,
    volume_for,
    without_volume,
)
from mesh.resources.core.persistent_volume import PersistentVolume, PersistentVolumeClaim, StorageClass
from mesh.resources.core.pod import Pod
from mesh.resources.validation.workload_defaults import CLAIM_PROTECTION
from mesh.resources.values.body import Body
from mesh.resources.values.quantities import quantity
from mesh.resources.values.ref import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD, STORAGE_CLASS, Ref
from mesh.store import Conflict, Event, Stored

FINISHED = ("Succeeded", "Failed")


class ClaimController(Controller):
    """Finds or makes a volume for each claim, and lets claims go that no pod uses."""

    kind = PERSISTENT_VOLUME_CLAIM

    def __init__(self, objects: Objects, events: Recorder, claims: Path) -> None:
        """`claims` is the folder in which volumes are provisioned."""
        super().__init__(objects)
        self._events = events
        self._claims = claims

    def reconcile(self, ref: Ref) -> None:
        """One look at one claim."""
        stored = self._objects.store.get(ref)
        if stored is None:
            return
        if stored.metadata.get("deletionTimestamp"):
            self._let_go(stored)
            return
        claim: PersistentVolumeClaim = stored.typed
        volume = self._bound_volume(claim)
        if volume is not None:
            self._finish(stored, volume)
        elif claim.metadata.annotations.get(BIND_COMPLETED) == "yes":
            self._objects.set_status(ref, {**(stored.body.get("status") or {}), "phase": "Lost"})
        else:
            self._bind(stored, claim)

    def affected(self, event: Event) -> Iterable[Ref]:
        """A pod begins or ceases to use claims; a volume or a class may be what claims wait for."""
        ref = event.object.ref
        if ref.group_kind == POD:
            if event.type != "MODIFIED" or _phase(event.object) in FINISHED:
                yield from (Ref(*self.kind, ref.namespace, name) for name in claims_of(event.object.typed))
        elif ref.group_kind in (PERSISTENT_VOLUME, STORAGE_CLASS):
            for claim in self._objects.store.list(*self.kind):
                if (claim.body.get("status") or {}).get("phase") != "Bound" or (
                    claim.body["spec"].get("volumeName") == ref.name
                ):
                    yield claim.ref

    def _bound_volume(self, claim: PersistentVolumeClaim) -> PersistentVolume | None:
        """The volume that is this claim's already, from either side."""
        name = claim.spec.volume_name or f"pvc-{claim.metadata.uid}"
        stored = self._objects.store.get(Ref(*PERSISTENT_VOLUME, "", name))
        volume: PersistentVolume | None = stored.typed if stored is not None else None
        reference = volume.spec.claim_ref if volume is not None else None
        return volume if reference is not None and reference.uid == claim.metadata.uid else None

    def _bind(self, stored: Stored, claim: PersistentVolumeClaim) -> None:
        classes = {one.metadata.name: one for one in self._objects.store.of(StorageClass)}
        if claim.spec.storage_class_name is None and (default := default_class(classes.values())) is not None:
            # Kubernetes sets it later, too, when the default class comes after the claim. The update comes back here.
            name = default.metadata.name
            self._objects.update(stored.ref, lambda body: body["spec"].update(storageClassName=name))
            return
        volume = volume_for(claim, self._objects.store.of(PersistentVolume))
        if volume is not None:
            reference = claim_reference(claim)
            bound = self._objects.update(
                Ref(*PERSISTENT_VOLUME, "", volume.metadata.name),
                lambda body: body["spec"].update(claimRef=reference),
            )
            if bound is not None:
                self._finish(stored, bound.typed)
            return
        decision = without_volume(claim, classes, has_consumer=self._is_used(stored))
        if isinstance(decision, Wait):
            self._wait(stored, decision)
        else:
            self._provision(stored, claim, decision)

    def _wait(self, stored: Stored, wait: Wait) -> None:
        status = stored.body.get("status") or {}
        if status.get("phase") != "Pending":
            self._objects.set_status(stored.ref, {**status, "phase": "Pending"})
        record = self._events.normal if wait.reason != "ProvisioningFailed" else self._events.warning
        record(stored, wait.reason, wait.message)

    def _provision(self, stored: Stored, claim: PersistentVolumeClaim, provision: Provision) -> None:
        if not provision.known:
            message = f'storageclass.storage.k8s.io "{provision.class_name}" not found; a folder is provisioned anyway'
            self._events.warning(stored, "StorageClassNotFound", message)
        body = provisioned(claim, provision, str(self._folder(claim)))
        ref = Ref(*PERSISTENT_VOLUME, "", body["metadata"]["name"])
        try:
            volume = self._objects.create(ref, body)
        except Conflict:
            # It was made at an earlier attempt.
            current = self._objects.store.get(ref)
            assert current is not None
            volume = current
        message = f"Successfully provisioned volume {ref.name}"
        self._events.normal(stored, "ProvisioningSucceeded", message)
        self._finish(stored, volume.typed)

    def _folder(self, claim: PersistentVolumeClaim) -> Path:
        """Where the volume of a claim lies: another place when a volume that was retained has the usual one."""
        folder = self._claims / claim.metadata.namespace / claim.metadata.name
        taken = {
            volume.spec.host_path.path for volume in self._objects.store.of(PersistentVolume) if volume.spec.host_path
        }
        return folder if str(folder) not in taken else folder.with_name(f"{folder.name}-{claim.metadata.uid[:8]}")

    def _finish(self, stored: Stored, volume: PersistentVolume) -> None:
        """Writes both sides of a binding, as far as they differ. A request that has grown makes the volume larger."""
        claim: PersistentVolumeClaim = stored.typed
        capacity = dict(volume.spec.capacity)
        requested = claim.spec.resources.requests.get(STORAGE, 0)
        if quantity(requested) > quantity(capacity.get(STORAGE, 0)):
            # A folder has no size of its own; what counts is what kubectl shows.
            capacity[STORAGE] = requested
            self._objects.update(
                Ref(*PERSISTENT_VOLUME, "", volume.metadata.name),
                lambda body: body["spec"].update(capacity=capacity),
            )
        provisioner = {"volume.kubernetes.io/storage-provisioner": PROVISIONER}
        own = volume.metadata.annotations.get("pv.kubernetes.io/provisioned-by") == PROVISIONER

        def bind(body: Body) -> None:
            by_user = bool(body["spec"].get("volumeName")) and not body["metadata"].get("annotations", {}).get(
                BOUND_BY_CONTROLLER
            )
            body["spec"]["volumeName"] = volume.metadata.name
            marks = {BIND_COMPLETED: "yes"} | ({} if by_user else {BOUND_BY_CONTROLLER: "yes"})
            annotations = body["metadata"].get("annotations") or {}
            body["metadata"]["annotations"] = annotations | marks | (provisioner if own else {})
            body["status"] = {
                **(body.get("status") or {}),
                "phase": "Bound",
                "accessModes": list(volume.spec.access_modes),
                "capacity": capacity,
            }

        self._objects.update(stored.ref, bind)

    def _is_used(self, stored: Stored) -> bool:
        pods = self._objects.store.list(*POD, stored.ref.namespace)
        return any(_phase(pod) not in FINISHED and stored.ref.name in claims_of(pod.typed) for pod in pods)

    def _let_go(self, stored: Stored) -> None:
        """Removes a claim that is being deleted once no pod uses it and nobody else holds it."""
        if self._is_used(stored):
            return
        others = [name for name in stored.metadata.get("finalizers") or () if name != CLAIM_PROTECTION]
        if others:
            self._objects.update(stored.ref, lambda body: body["metadata"].update(finalizers=others))
        else:
            self._objects.delete(stored.ref)


def claims_of(pod: Pod) -> list[str]:
    """The names of the claims that a pod's volumes are."""
    sources = (volume.persistent_volume_claim for volume in pod.spec.volumes)
    return [str(source.get("claimName", "")) for source in sources if source is not None]


def _phase(pod: Stored) -> str:
    return str((pod.body.get("status") or {}).get("phase", ""))
