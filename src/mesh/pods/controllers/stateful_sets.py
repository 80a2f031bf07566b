"""StatefulSets: pods with names, claims and an order that stay (Kubernetes' StatefulSet)."""

import re
from collections.abc import Iterable

from mesh.pods.controllers.adoption import adopt
from mesh.pods.controllers.controller import WorkloadController
from mesh.pods.controllers.new_pod import new_pod
from mesh.pods.controllers.replica_sets import ready_for
from mesh.pods.controllers.revisions import (
    REVISION_LABEL,
    current_revision,
    remove_surplus,
    revisions_of,
    template_of,
)
from mesh.pods.controllers.stateful_claims import claims_of_pod, create_claims, keep_claims
from mesh.pods.controllers.stateful_rollout import Member, Plan, Step, is_complete, plan_of, step
from mesh.resources.meshmall.branch import HOSTNAME_ANNOTATION
from mesh.resources.values.body import Body
from mesh.resources.values.ref import POD, STATEFUL_SET, Ref
from mesh.store import Conflict, Event, Stored

POD_NAME_LABEL, INDEX_LABEL = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"
FINISHED = ("Succeeded", "Failed")
ORDINAL = re.compile(r"(?P<set>.*)-(?P<ordinal>\d{1,9})")


class StatefulSetController(WorkloadController):
    """Creates and ends pods in order, creates their claims, and writes StatefulSets' status."""

    kind = STATEFUL_SET

    def reconcile(self, ref: Ref) -> None:
        """One step of one StatefulSet."""
        stored = self._objects.store.get(ref)
        if stored is None or stored.metadata.get("deletionTimestamp"):
            return
        revisions = revisions_of(self._objects, stored)
        update = current_revision(self._objects, stored, revisions)
        by_name = {one.ref.name: one for one in [*revisions, update]}
        current = by_name.get(str((stored.body.get("status") or {}).get("currentRevision", "")), update)
        plan = plan_of(stored.body["spec"], current.ref.name, update.ref.name)
        pods = self._pods(stored)
        minimum = float(stored.body["spec"].get("minReadySeconds") or 0)
        members = [_member(ordinal, pod, minimum) for ordinal, pod in pods.items()]
        keep_claims(self._objects, stored, plan.ordinals, pods)
        following = step(plan, members)
        self._take(stored, plan, following, pods, by_name)
        self._write_status(stored, plan, members)
        self._look_again(stored, pods, minimum)
        live = {member.revision for member in members} | {current.ref.name, update.ref.name}
        limit = int(stored.body["spec"].get("revisionHistoryLimit", 10))
        remove_surplus(self._objects, revisions_of(self._objects, stored), live, limit)

    def orphaned(self, uid: str) -> None:
        """Ends the pods of a StatefulSet that is gone, and removes its revisions."""
        self._objects.remove_orphans(uid)

    def affected(self, event: Event) -> Iterable[Ref]:
        """A pod that is gone may have kept a name that a StatefulSet without it waits for."""
        ref = event.object.ref
        if event.type == "DELETED" and ref.group_kind == POD and (match := ORDINAL.fullmatch(ref.name)):
            candidate = Ref(*STATEFUL_SET, ref.namespace, match["set"])
            if self._objects.store.get(candidate) is not None:
                yield candidate

    def _pods(self, stored: Stored) -> dict[int, Stored]:
        """The pods by ordinal; those that were left by an earlier StatefulSet of the same name are taken over."""
        pods: dict[int, Stored] = {}
        for pod in [*self._objects.owned(stored.uid), *self._adopted(stored)]:
            match = ORDINAL.fullmatch(pod.ref.name)
            if pod.ref.group_kind == POD and match is not None and match["set"] == stored.ref.name:
                pods[int(match["ordinal"])] = pod
        return dict(sorted(pods.items()))

    def _adopted(self, stored: Stored) -> list[Stored]:
        """Pods without a controller that have the name and labels of this set's (Kubernetes, "--cascade=orphan")."""
        labels: Body = (stored.body["spec"]["template"].get("metadata") or {}).get("labels") or {}
        adopted = []
        for pod in self._objects.uncontrolled(stored.ref.namespace):
            match = ORDINAL.fullmatch(pod.ref.name)
            if match is None or match["set"] != stored.ref.name or pod.metadata.get("deletionTimestamp"):
                continue
            if labels.items() <= (pod.metadata.get("labels") or {}).items():
                body = self._objects.update(pod.ref, lambda body: adopt(body, stored))
                adopted += [body] if body is not None else []
        return adopted

    def _take(
        self, stored: Stored, plan: Plan, following: Step, pods: dict[int, Stored], revisions: dict[str, Stored]
    ) -> None:
        for ordinal in following.end:
            pod = pods[ordinal]
            self._objects.end_pod(pod.ref)
            message = f"delete Pod {pod.ref.name} in StatefulSet {stored.ref.name} successful"
            self._events.normal(stored, "SuccessfulDelete", message)
        for ordinal in following.create:
            name = f"{stored.ref.name}-{ordinal}"
            revision = revisions[plan.revision_of(ordinal)]
            for claim in create_claims(self._objects, stored, name):
                message = f"create Claim {claim} Pod {name} in StatefulSet {stored.ref.name} success"
                self._events.normal(stored, "SuccessfulCreate", message)
            body = self._pod(stored, revision, ordinal)
            try:
                self._objects.create(Ref(*POD, stored.ref.namespace, name), body)
            except Conflict:
                message = f"create Pod {name} in StatefulSet {stored.ref.name} failed: there is a pod of this name"
                self._events.warning(stored, "FailedCreate", message)
                continue
            message = f"create Pod {name} in StatefulSet {stored.ref.name} successful"
            self._events.normal(stored, "SuccessfulCreate", message)

    def _pod(self, stored: Stored, revision: Stored, ordinal: int) -> Body:
        name = f"{stored.ref.name}-{ordinal}"
        labels = {
            POD_NAME_LABEL: name,
            INDEX_LABEL: str(ordinal),
            REVISION_LABEL: revision.ref.name,
        }
        body = new_pod(stored, template_of(revision), name, self._node_name, labels)
        body["metadata"]["generateName"] = f"{stored.ref.name}-"
        spec = body["spec"]
        # A copy of another StatefulSet: its programs look for their data under the original's host name.
        original = (body["metadata"].get("annotations") or {}).get(HOSTNAME_ANNOTATION)
        spec["hostname"] = f"{original}-{ordinal}" if original else name
        if stored.body["spec"].get("serviceName"):
            spec["subdomain"] = stored.body["spec"]["serviceName"]
        claims = {template: claim["metadata"]["name"] for template, claim in claims_of_pod(stored, name).items()}
        if claims:
            others = [volume for volume in spec.get("volumes") or () if volume["name"] not in claims]
            own = [
                {"name": template, "persistentVolumeClaim": {"claimName": claim}} for template, claim in claims.items()
            ]
            spec["volumes"] = [*own, *others]
        return body

    def _write_status(self, stored: Stored, plan: Plan, before: list[Member]) -> None:
        """Counts the pods as they are after this step."""
        minimum = float(stored.body["spec"].get("minReadySeconds") or 0)
        members = [_member(ordinal, pod, minimum) for ordinal, pod in self._pods(stored).items()]
        living = [member for member in members if not member.terminating]
        complete = is_complete(plan, before) and is_complete(plan, members) and not plan.on_delete
        current = plan.update if complete else plan.current
        former = stored.body.get("status") or {}
        status: Body = {
            "observedGeneration": stored.metadata.get("generation", 1),
            "replicas": len(members),
            "readyReplicas": sum(member.ready for member in members),
            "availableReplicas": sum(member.available for member in members),
            "currentReplicas": sum(member.revision == current for member in living),
            "updatedReplicas": sum(member.revision == plan.update for member in living),
            "currentRevision": current,
            "updateRevision": plan.update,
            "collisionCount": 0,
        }
        if former.get("conditions"):
            status["conditions"] = former["conditions"]
        self._objects.set_status(
            stored.ref, {name: value for name, value in status.items() if _is_written(name, value)}
        )

    def _look_again(self, stored: Stored, pods: dict[int, Stored], minimum: float) -> None:
        """Nothing in the store changes when a pod has been ready for minReadySeconds."""
        waits = [minimum - ready for pod in pods.values() if (ready := ready_for(pod.body)) is not None]
        waits = [wait for wait in waits if wait > 0]
        if waits:
            self.queue.add_after(stored.ref, max(0.05, min(waits)))


def _is_written(name: str, value: object) -> bool:
    """Whether Kubernetes writes a field of the status also when it is zero."""
    return bool(value) or name in ("replicas", "availableReplicas", "collisionCount")


def _member(ordinal: int, pod: Stored, minimum: float) -> Member:
    ready = ready_for(pod.body)
    phase = (pod.body.get("status") or {}).get("phase")
    return Member(
        ordinal=ordinal,
        revision=str((pod.metadata.get("labels") or {}).get(REVISION_LABEL, "")),
        ready=ready is not None,
        available=ready is not None and ready >= minimum,
        terminating=bool(pod.metadata.get("deletionTimestamp")),
        failed=phase in FINISHED,
    )
