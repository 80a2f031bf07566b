"""Takes a Deployment through its versions: one ReplicaSet per template (Kubernetes' Deployment)."""

import copy
from collections.abc import Iterable
from typing import Any

from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.deployment_status import deployment_status
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects, controller, owner_reference, seconds_since
from mesh.pods.controllers.rollout import Strategy, Version, in_force, step, strategy_of, surplus
from mesh.pods.controllers.template import HASH_LABEL, same_template, template_hash, with_label
from mesh.resources.values.body import Body
from mesh.resources.values.ref import DEPLOYMENT, POD, REPLICA_SET, GroupKind, Ref
from mesh.store import Event, Stored

REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"

DIGITS = 10
# Annotations of a Deployment that its ReplicaSets do not get: their own, and kubectl's notes about the manifest.
NOT_PASSED_ON = frozenset({REVISION, DESIRED, MOST, "kubectl.kubernetes.io/last-applied-configuration"})


class DeploymentController(Controller):
    """Creates, scales and removes ReplicaSets, and writes Deployments' status."""

    kind = DEPLOYMENT

    def __init__(self, objects: Objects, events: Recorder) -> None:
        super().__init__(objects)
        self._events = events

    def reconcile(self, ref: Ref) -> None:
        """Takes one step of a Deployment's rollout."""
        stored = self._objects.store.get(ref)
        if stored is None or stored.body["metadata"].get("deletionTimestamp"):
            return
        sets = [s for s in self._objects.owned(stored.body["metadata"]["uid"]) if s.ref.group_kind == REPLICA_SET]
        strategy = strategy_of(in_force(stored.body)["spec"])
        new = next((s for s in sets if _is_of(s, stored)), None)
        old = [s for s in sets if s is not new]
        if new is not None:
            new = self._as_latest(stored, new, old)
        following = step(strategy, None if new is None else self._version(new), [self._version(s) for s in old])
        created = following.create is not None
        if following.create is not None:
            new = self._create(stored, strategy, following.create, sets)
        for replica_set in [*old, *([new] if new is not None else [])]:
            self._scale(stored, replica_set, new, following.sizes.get(replica_set.ref.name), strategy)
        self._finish(stored, new, old, created=created)

    def orphaned(self, uid: str) -> None:
        """Removes the ReplicaSets of a Deployment that is gone."""
        for owned in self._objects.orphans(uid):
            if owned.ref.group_kind == REPLICA_SET:
                self._objects.delete(owned.ref)

    def affected(self, event: Event) -> Iterable[Ref]:
        """A pod has ended for good: strategy Recreate waits for that, and no ReplicaSet's status shows it."""
        ref = event.object.ref
        owner = controller(event.object.body) if event.type == "DELETED" and ref.group_kind == POD else None
        if owner is None or GroupKind.of(owner) != REPLICA_SET:
            return
        stored = self._objects.store.get(Ref(*REPLICA_SET, ref.namespace, str(owner["name"])))
        deployment = controller(stored.body) if stored is not None else None
        if deployment is not None and GroupKind.of(deployment) == DEPLOYMENT:
            yield Ref(*DEPLOYMENT, ref.namespace, str(deployment["name"]))

    def _finish(self, stored: Stored, new: Stored | None, old: list[Stored], *, created: bool) -> None:
        """Writes the status, and removes versions beyond revisionHistoryLimit."""
        current = self._objects.store.get(stored.ref)
        if current is None:
            return
        get = self._objects.store.get
        fresh = [s for s in (get(o.ref) for o in old) if s is not None]
        latest = get(new.ref) if new is not None else None
        status = deployment_status(
            in_force(current.body),
            latest.body if latest is not None else None,
            [s.body for s in fresh],
            created=created,
            terminating=self._terminating([*fresh, *([latest] if latest is not None else [])]),
        )
        self._objects.set_status(stored.ref, status)
        limit = int(stored.body["spec"].get("revisionHistoryLimit", 10))
        complete = status.get("updatedReplicas", 0) == status.get("replicas", 0) == status.get("availableReplicas", 0)
        if complete and latest is not None:
            for name in surplus([self._version(s) for s in fresh], limit):
                self._objects.delete(Ref("apps", "ReplicaSet", stored.ref.namespace, name))
        self._watch_deadline(current, status)

    def _watch_deadline(self, stored: Stored, status: Body) -> None:
        """Comes back when progressDeadlineSeconds are over: no event would say so."""
        deadline = stored.body["spec"].get("progressDeadlineSeconds", 600)
        for condition in status["conditions"]:
            if condition["type"] == "Progressing" and condition["reason"] in (
                "ReplicaSetUpdated",
                "NewReplicaSetCreated",
            ):
                passed = seconds_since(condition["lastUpdateTime"])
                self.queue.add_after(stored.ref, max(0.5, float(deadline) - passed + 0.5))

    def _as_latest(self, stored: Stored, new: Stored, old: list[Stored]) -> Stored:
        """A version that is used again (a rollback) becomes the highest revision."""
        highest = max((_revision(s) for s in old), default=0)
        if _revision(new) > highest:
            self._mark(stored, _revision(new))
            return new
        updated = self._objects.update(new.ref, lambda body: _annotate(body, {REVISION: str(highest + 1)}))
        self._mark(stored, highest + 1)
        return updated or new

    def _mark(self, stored: Stored, revision: int) -> None:
        self._objects.update(stored.ref, lambda body: _annotate(body, {REVISION: str(revision)}))

    def _create(self, stored: Stored, strategy: Strategy, size: int, sets: list[Stored]) -> Stored:
        template: Body = copy.deepcopy(stored.body["spec"]["template"])
        # The name may belong to a ReplicaSet of another template with the same hash, or of a user.
        label, collisions = template_hash(template), 0
        while self._objects.store.get(_set_ref(stored, label)) is not None:
            collisions += 1
            label = template_hash(template, collisions)
        revision = max((_revision(s) for s in sets), default=0) + 1
        labelled = with_label(template, label)
        selector: dict[str, Any] = copy.deepcopy(stored.body["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: label}
        spec: Body = {"replicas": size, "selector": selector, "template": labelled}
        if stored.body["spec"].get("minReadySeconds"):
            spec["minReadySeconds"] = stored.body["spec"]["minReadySeconds"]
        ref = _set_ref(stored, label)
        annotations = {
            **_passed_on(stored),
            REVISION: str(revision),
            DESIRED: str(strategy.replicas),
            MOST: str(strategy.most),
        }
        body: Body = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": ref.name,
                "namespace": ref.namespace,
                "labels": dict(labelled["metadata"]["labels"]),
                "annotations": annotations,
                "ownerReferences": [owner_reference(stored)],
            },
            "spec": spec,
            "status": {"replicas": 0},
        }
        created = self._objects.create(ref, body)
        self._mark(stored, revision)
        self._events.normal(stored, "ScalingReplicaSet", f"Scaled up replica set {ref.name} from 0 to {size}")
        return created

    def _scale(
        self, stored: Stored, replica_set: Stored, new: Stored | None, size: int | None, strategy: Strategy
    ) -> None:
        before = int(replica_set.body["spec"].get("replicas", 1))
        minimum = stored.body["spec"].get("minReadySeconds")

        def change(body: Body) -> None:
            if size is not None:
                body["spec"]["replicas"] = size
            if minimum and body["spec"].get("minReadySeconds") != minimum:
                body["spec"]["minReadySeconds"] = minimum
            if int(body["spec"].get("replicas", 1)) > 0:
                _annotate(body, {DESIRED: str(strategy.replicas), MOST: str(strategy.most)})
            if replica_set is new:
                # `kubectl rollout history` shows a revision's change-cause from here.
                _annotate(body, _passed_on(stored))

        self._objects.update(replica_set.ref, change)
        if size is not None and size != before:
            direction = "up" if size > before else "down"
            message = f"Scaled {direction} replica set {replica_set.ref.name} from {before} to {size}"
            self._events.normal(stored, "ScalingReplicaSet", message)
            self.queue.add(stored.ref)

    def _terminating(self, sets: list[Stored]) -> int:
        pods = [pod for replica_set in sets for pod in self._objects.owned(replica_set.uid)]
        return sum(1 for pod in pods if pod.metadata.get("deletionTimestamp"))

    def _version(self, stored: Stored) -> Version:
        status = stored.body.get("status") or {}
        pods = [p for p in self._objects.owned(stored.body["metadata"]["uid"]) if _has_processes(p.body)]
        return Version(
            name=stored.ref.name,
            created=f"{stored.body['metadata'].get('creationTimestamp', '')}/{_revision(stored):010}",
            size=int(stored.body["spec"].get("replicas", 1)),
            pods=len(pods),
            available=int(status.get("availableReplicas", 0)),
            limit=_number(stored, MOST),
        )


def _passed_on(deployment: Stored) -> dict[str, str]:
    """The annotations that the latest ReplicaSet has from its Deployment, as in Kubernetes."""
    annotations = deployment.metadata.get("annotations") or {}
    return {name: value for name, value in annotations.items() if name not in NOT_PASSED_ON}


def _set_ref(deployment: Stored, label: str) -> Ref:
    return Ref("apps", "ReplicaSet", deployment.ref.namespace, f"{deployment.ref.name}-{label}")


def _is_of(replica_set: Stored, deployment: Stored) -> bool:
    return same_template(replica_set.body["spec"]["template"], deployment.body["spec"]["template"])


def _has_processes(body: Body) -> bool:
    return (body.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _revision(stored: Stored) -> int:
    return _number(stored, REVISION)


def _number(stored: Stored, annotation: str) -> int:
    """A number of pods or a revision that an annotation of a ReplicaSet gives; 0 when it is not one.

    Anyone may write annotations, so any value must do: an unreadable one counts as not set, as in Kubernetes.
    """
    text = (stored.body["metadata"].get("annotations") or {}).get(annotation, "")
    return int(text) if len(text) < DIGITS and text.isascii() and text.isdigit() else 0


def _annotate(body: Body, values: dict[str, str]) -> None:
    body["metadata"]["annotations"] = {**(body["metadata"].get("annotations") or {}), **values}
