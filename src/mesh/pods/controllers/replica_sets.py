"""Keeps as many pods as a ReplicaSet or ReplicationController asks for."""

from collections.abc import Iterable, Mapping

from mesh.pods.controllers.adoption import claimed_pods
from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.new_pod import new_pod
from mesh.pods.controllers.objects import Objects, controller, now, seconds_since
from mesh.pods.controllers.template import random_suffix
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition
from mesh.resources.values.meta import LabelSelector
from mesh.resources.values.ref import POD, REPLICA_SET, REPLICATION_CONTROLLER, Ref
from mesh.resources.values.selectors import selects
from mesh.store import Conflict, Event, Stored


class ReplicaSetController(Controller):
    """Creates and ends pods, and writes ReplicaSets' status."""

    kind = REPLICA_SET

    def __init__(self, objects: Objects, events: Recorder, node_name: str) -> None:
        super().__init__(objects)
        self._events = events
        self._node_name = node_name

    def reconcile(self, ref: Ref) -> None:
        """One look at one ReplicaSet."""
        stored = self._objects.store.get(ref)
        if stored is None or stored.body["metadata"].get("deletionTimestamp"):
            return
        pods = claimed_pods(self._objects, stored, lambda labels: self.selects(stored, labels))
        living = [pod for pod in pods if is_living(pod.body)]
        desired = int(stored.body["spec"].get("replicas", 1))
        # A negative number of times is none: too many pods are handled below.
        living += [self._create(stored) for _ in range(desired - len(living))]
        if len(living) > desired:
            ordered = sorted(living, key=lambda pod: _ending_order(pod.body))
            for pod in ordered[: len(living) - desired]:
                self._objects.end_pod(pod.ref)
            living = ordered[len(living) - desired :]
        self._write_status(stored, living)

    def selects(self, stored: Stored, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels is one of this object's."""
        selector: LabelSelector = stored.typed.spec.selector
        return selects(selector, labels)

    def affected(self, event: Event) -> Iterable[Ref]:
        """A pod has lost its controller, or never had one: some selector may select it."""
        ref = event.object.ref
        if event.type == "DELETED" or ref.group_kind != POD or controller(event.object.body) is not None:
            return
        labels = event.object.metadata.get("labels") or {}
        for stored in self._objects.store.list(*self.kind, ref.namespace):
            if labels and self.selects(stored, labels):
                yield stored.ref

    def orphaned(self, uid: str) -> None:
        """Ends the pods of a ReplicaSet that is gone."""
        for pod in self._objects.orphans(uid):
            if pod.ref.group_kind == POD:
                self._objects.end_pod(pod.ref)

    def _create(self, owner: Stored) -> Stored:
        while True:
            name = f"{owner.ref.name[:57]}-{random_suffix()}"
            body = new_pod(owner, owner.body["spec"]["template"], name, self._node_name)
            body["metadata"]["generateName"] = f"{owner.ref.name}-"
            try:
                created = self._objects.create(Ref("", "Pod", owner.ref.namespace, name), body)
            # The random suffix is taken.
            except Conflict:
                continue
            self._events.normal(owner, "SuccessfulCreate", f"Created pod: {name}")
            return created

    def _write_status(self, stored: Stored, living: list[Stored]) -> None:
        minimum = float(stored.body["spec"].get("minReadySeconds") or 0)
        ready = [pod for pod in living if ready_for(pod.body) is not None]
        available = [pod for pod in ready if (ready_for(pod.body) or 0.0) >= minimum]
        waits = [minimum - (ready_for(pod.body) or 0.0) for pod in ready if pod not in available]
        # Nothing in the store changes when a pod has been ready for long enough: look again then.
        if waits:
            self.queue.add_after(stored.ref, max(0.05, min(waits)))
        status: Body = {
            "replicas": len(living),
            "fullyLabeledReplicas": len(living),
            "readyReplicas": len(ready),
            "availableReplicas": len(available),
            "observedGeneration": stored.body["metadata"].get("generation", 1),
        }
        self._objects.set_status(stored.ref, status)


class ReplicationControllerController(ReplicaSetController):
    """A ReplicaSet's predecessor: the same, with a plain map for a selector."""

    kind = REPLICATION_CONTROLLER

    def selects(self, stored: Stored, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels is one of this object's."""
        selector: Mapping[str, str] = stored.body["spec"].get("selector") or {}
        return bool(selector) and selector.items() <= labels.items()


def is_living(body: Body) -> bool:
    """Whether a pod counts: it has not ended and is not being ended."""
    phase = (body.get("status") or {}).get("phase")
    return not body["metadata"].get("deletionTimestamp") and phase not in ("Succeeded", "Failed")


def ready_for(body: Body) -> float | None:
    """For how many seconds a pod has been ready; None when it is not."""
    ready = find_condition((body.get("status") or {}).get("conditions"), "Ready")
    if ready is None or ready["status"] != "True":
        return None
    return max(0.0, seconds_since(ready.get("lastTransitionTime") or now()))


def _ending_order(body: Body) -> tuple[int, int, str]:
    """Sort key: pods to end first come first. Those that do not run, then those not ready, then the youngest."""
    running = (body.get("status") or {}).get("phase") == "Running"
    age = str(body["metadata"].get("creationTimestamp", ""))
    # Times are strings: inverting their characters sorts the youngest first in an ascending key.
    inverted = "".join(chr(0x7F - ord(c)) if ord(c) < 0x7F else c for c in age)
    return int(running), int(ready_for(body) is not None), inverted
