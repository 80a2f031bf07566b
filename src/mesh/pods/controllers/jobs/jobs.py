"""Runs pods until as many have succeeded as a Job asks for (Kubernetes' Job)."""

from datetime import UTC, datetime

from mesh.pods.controllers.controller import Controller
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.jobs.job_pods import TRACKING, JobPod, job_pod, new_pod, pod_prefix
from mesh.pods.controllers.jobs.plan import NewPod, Pauses, Plan, plan
from mesh.pods.controllers.objects import Objects, changed, mark_for_end
from mesh.pods.controllers.template import random_suffix
from mesh.resources.core.batch import Job
from mesh.resources.values.body import Body
from mesh.resources.values.ref import JOB, POD, Ref
from mesh.store import Change, Put, Stored

CONTROLLER_NAME = "kubernetes.io/job-controller"


class JobController(Controller):
    """Creates, counts and ends pods, and writes Jobs' status: `mesh.pods.controllers.jobs.plan` says what."""

    kind = JOB

    def __init__(self, objects: Objects, events: Recorder, node_name: str, pauses: Pauses) -> None:
        super().__init__(objects)
        self._events = events
        self._node_name = node_name
        self._pauses = pauses

    def reconcile(self, ref: Ref) -> None:
        """Takes one step of a Job."""
        stored = self._objects.store.get(ref)
        if stored is None or stored.body["metadata"].get("deletionTimestamp"):
            return
        job: Job = stored.typed
        if (job.spec.managed_by or CONTROLLER_NAME) != CONTROLLER_NAME:
            return
        pods = [job_pod(owned) for owned in self._objects.owned(stored.uid) if owned.ref.group_kind == POD]
        now = datetime.now(UTC)
        self._carry_out(stored, plan(job, stored.body.get("status") or {}, pods, now, self._pauses))

    def orphaned(self, uid: str) -> None:
        """Ends the pods of a Job that is gone. Nobody counts them any more, orphaned ones included."""
        for pod in self._objects.owned(uid):
            if pod.ref.group_kind == POD:
                self._objects.update(pod.ref, _release)
        for pod in self._objects.orphans(uid):
            if pod.ref.group_kind == POD:
                self._objects.end_pod(pod.ref)

    def _carry_out(self, stored: Stored, step: Plan) -> None:
        """All of it in one commit: see `mesh.pods.controllers.jobs.plan`."""
        if step.delete:
            self._objects.delete(stored.ref)
            return
        if step.again is not None:
            # A little late rather than a little early, which would only find that it is not time yet.
            self.queue.add_after(stored.ref, step.again + 0.05)
        created = [self._new_pod(stored, pod) for pod in step.create]
        changes: list[Change] = [*created, *_pod_changes(step)]
        if step.status != (stored.body.get("status") or {}):
            changes.append(Put(stored.ref, {**stored.body, "status": step.status}, stored.version))
        if changes:
            self._objects.commit(changes)
        for put in created:
            self._events.normal(stored, "SuccessfulCreate", f"Created pod: {put.ref.name}")
        for pod in step.end:
            self._events.normal(stored, "SuccessfulDelete", f"Deleted pod: {pod.stored.ref.name}")
        for note in step.notes:
            record = self._events.normal if note.kind == "Normal" else self._events.warning
            record(stored, note.reason, note.message)

    def _new_pod(self, job: Stored, pod: NewPod) -> Put:
        ref = Ref("", "Pod", job.ref.namespace, f"{pod_prefix(job.ref.name, pod.completion_index)}{random_suffix()}")
        body = new_pod(job, ref.name, self._node_name, pod.completion_index, pod.failures)
        self._objects.complete_pod(body)
        return Put(ref, body, 0)


def _pod_changes(step: Plan) -> list[Change]:
    """The pods that are ended or released, each changed once."""
    pods: dict[Ref, JobPod] = {pod.stored.ref: pod for pod in (*step.end, *step.release)}
    ended = {pod.stored.ref for pod in step.end}
    changes: list[Change] = []
    for ref, pod in pods.items():

        def change(body: Body, ref: Ref = ref) -> None:
            _release(body)
            if ref in ended:
                mark_for_end(body)

        changes.append(Put(ref, changed(pod.stored, change), pod.stored.version))
    return changes


def _release(body: Body) -> None:
    """The pod is counted: it may go."""
    metadata = body["metadata"]
    finalizers = [name for name in metadata.get("finalizers") or () if name != TRACKING]
    metadata.pop("finalizers", None)
    if finalizers:
        metadata["finalizers"] = finalizers
