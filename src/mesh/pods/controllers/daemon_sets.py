"""DaemonSets: one pod on the one node (Kubernetes' DaemonSet)."""

from collections.abc import Iterable

from mesh.pods.controllers.adoption import claimed_pods
from mesh.pods.controllers.controller import WorkloadController
from mesh.pods.controllers.new_pod import new_pod
from mesh.pods.controllers.replica_sets import is_living, ready_for
from mesh.pods.controllers.revisions import REVISION_LABEL, current_revision, remove_surplus, revisions_of
from mesh.pods.controllers.template import random_suffix
from mesh.resources.core.daemon_set import DaemonSet
from mesh.resources.validation.workload_defaults import TEMPLATE_GENERATION
from mesh.resources.values.body import Body
from mesh.resources.values.durations import share
from mesh.resources.values.ref import DAEMON_SET, POD, Ref
from mesh.resources.values.selectors import selects
from mesh.store import Conflict, Event, Stored

GENERATION_LABEL = "pod-template-generation"
NODE = ("", "Node")


class DaemonSetController(WorkloadController):
    """Creates and replaces the pod, and writes DaemonSets' status."""

    kind = DAEMON_SET

    def reconcile(self, ref: Ref) -> None:
        """One step of one DaemonSet."""
        stored = self._objects.store.get(ref)
        if stored is None or stored.metadata.get("deletionTimestamp"):
            return
        daemon_set: DaemonSet = stored.typed
        revisions = revisions_of(self._objects, stored)
        update = current_revision(self._objects, stored, revisions)
        pods = claimed_pods(self._objects, stored, lambda labels: selects(daemon_set.spec.selector, labels))
        living = [pod for pod in pods if is_living(pod.body)]
        # Pods that have ended are replaced, as their restartPolicy is Always.
        for pod in pods:
            if not is_living(pod.body) and not pod.metadata.get("deletionTimestamp"):
                self._objects.end_pod(pod.ref)
        living = self._step(stored, daemon_set, update, living)
        self._write_status(stored, daemon_set, update, living)
        live = {_revision(pod) for pod in living} | {update.ref.name}
        remove_surplus(self._objects, revisions_of(self._objects, stored), live, daemon_set.spec.revision_history_limit)

    def orphaned(self, uid: str) -> None:
        """Ends the pod of a DaemonSet that is gone, and removes its revisions."""
        self._objects.remove_orphans(uid)

    def affected(self, event: Event) -> Iterable[Ref]:
        """The node's labels decide which DaemonSets run on it."""
        if event.object.ref[:2] == NODE and event.object.ref.name == self._node_name:
            yield from (stored.ref for stored in self._objects.store.list(*self.kind))

    def _step(self, stored: Stored, daemon_set: DaemonSet, update: Stored, living: list[Stored]) -> list[Stored]:
        """Creates or ends at most one pod; returns those that then are there."""
        if not self._runs_here(daemon_set):
            for pod in living:
                self._objects.end_pod(pod.ref)
            return []
        new = [pod for pod in living if _revision(pod) == update.ref.name]
        old = [pod for pod in living if pod not in new]
        if not living:
            return [self._create(stored, update)]
        strategy = daemon_set.spec.update_strategy
        for pod in new[1:]:
            self._objects.end_pod(pod.ref)
        if not old or strategy.type == "OnDelete":
            return [*new[:1], *old]
        surge = strategy.rolling_update is not None and share(strategy.rolling_update.max_surge, 1, up=True) > 0
        if surge and not new:
            return [self._create(stored, update), *old]
        if surge and not self._is_available(daemon_set, new[0]):
            # The former pod serves until the new one does.
            return living
        for pod in old:
            self._objects.end_pod(pod.ref)
        return new[:1]

    def _create(self, stored: Stored, revision: Stored) -> Stored:
        labels = {REVISION_LABEL: revision.ref.name.removeprefix(f"{stored.ref.name}-")}
        generation = (stored.metadata.get("annotations") or {}).get(TEMPLATE_GENERATION)
        if generation:
            labels[GENERATION_LABEL] = str(generation)
        while True:
            name = f"{stored.ref.name[:57]}-{random_suffix()}"
            body = new_pod(stored, stored.body["spec"]["template"], name, self._node_name, labels)
            body["metadata"]["generateName"] = f"{stored.ref.name}-"
            try:
                created = self._objects.create(Ref(*POD, stored.ref.namespace, name), body)
            # The random suffix is taken.
            except Conflict:
                continue
            self._events.normal(stored, "SuccessfulCreate", f"Created pod: {name}")
            return created

    def _runs_here(self, daemon_set: DaemonSet) -> bool:
        """Whether the template's nodeSelector selects the node; before it is registered, whether there is none."""
        node = self._objects.store.get(Ref(*NODE, "", self._node_name))
        labels = (node.metadata.get("labels") or {}) if node is not None else {}
        return bool(daemon_set.spec.template.spec.node_selector.items() <= labels.items())

    def _is_available(self, daemon_set: DaemonSet, pod: Stored) -> bool:
        ready = ready_for(pod.body)
        return ready is not None and ready >= daemon_set.spec.min_ready_seconds

    def _write_status(self, stored: Stored, daemon_set: DaemonSet, update: Stored, living: list[Stored]) -> None:
        desired = int(self._runs_here(daemon_set))
        # During a surge there are two pods on the node; each number is of nodes.
        ready = min(desired, sum(ready_for(pod.body) is not None for pod in living))
        available = min(desired, sum(self._is_available(daemon_set, pod) for pod in living))
        status: Body = {
            "observedGeneration": stored.metadata.get("generation", 1),
            "currentNumberScheduled": min(desired, len(living)),
            "desiredNumberScheduled": desired,
            "numberMisscheduled": 0,
            "numberReady": ready,
        }
        counts = {
            "updatedNumberScheduled": min(desired, sum(_revision(pod) == update.ref.name for pod in living)),
            "numberAvailable": available,
            "numberUnavailable": desired - available,
        }
        self._objects.set_status(stored.ref, status | {name: count for name, count in counts.items() if count})
        waits = [daemon_set.spec.min_ready_seconds - (ready_for(pod.body) or 0.0) for pod in living]
        if ready > available and waits:
            self.queue.add_after(stored.ref, max(0.05, min(waits)))


def _revision(pod: Stored) -> str:
    """The name of the revision that a pod was created from."""
    labels = pod.metadata.get("labels") or {}
    owner = next((owner for owner in pod.metadata.get("ownerReferences") or () if owner.get("controller")), None)
    return f"{owner['name']}-{labels.get(REVISION_LABEL, '')}" if owner is not None else ""
