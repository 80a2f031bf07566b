"""A Deployment's status as Kubernetes writes it. Pure except for the clock."""

from mesh.pods.controllers.objects import now, seconds_since
from mesh.pods.controllers.rollout import strategy_of
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition, merge_conditions

COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def deployment_status(
    deployment: Body, new: Body | None, old: list[Body], *, created: bool = False, terminating: int = 0
) -> Body:
    """The status, from the Deployment's ReplicaSets. `created` says that the new one was created just now.

    Counts of nothing are left out, as Kubernetes does, except for the pods that are `terminating`.
    """
    before = deployment.get("status") or {}
    sets = [*old, new] if new is not None else old
    status: Body = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": _sum(sets, "replicas"),
        "updatedReplicas": _sum([new] if new is not None else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": _sum(sets, "availableReplicas"),
    }
    status["unavailableReplicas"] = max(0, sum(_desired(s) for s in sets) - status["availableReplicas"])
    desired = [_available(deployment, status), _progressing(deployment, new, before, status, created=created)]
    moment = now()
    merged = merge_conditions(before.get("conditions"), desired, moment)
    # Conditions that say nothing new come back with the time they were last updated; the others have none yet.
    status["conditions"] = [{"lastUpdateTime": moment, **condition} for condition in merged]
    status["terminatingReplicas"] = terminating
    return {name: value for name, value in status.items() if value or name not in COUNTS}


def is_complete(deployment: Body, status: Body) -> bool:
    """Whether every pod is of the new version and available, and no other remains."""
    desired = int(deployment["spec"].get("replicas", 1))
    return all(status.get(name, 0) == desired for name in ("updatedReplicas", "replicas", "availableReplicas"))


def _available(deployment: Body, status: Body) -> Body:
    if status["availableReplicas"] >= strategy_of(deployment["spec"]).least:
        return _condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    message = "Deployment does not have minimum availability."
    return _condition("Available", "False", "MinimumReplicasUnavailable", message)


def _progressing(deployment: Body, new: Body | None, before: Body, status: Body, *, created: bool) -> Body:
    name = new["metadata"]["name"] if new is not None else ""
    last = find_condition(before.get("conditions"), "Progressing")
    if deployment["spec"].get("paused"):
        return _condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    if is_complete(deployment, status):
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _condition("Progressing", "True", "NewReplicaSetAvailable", message)
    if created:
        return _condition("Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
    moved = last is None or last["reason"] == "DeploymentPaused" or _moved(before, status)
    if last is not None and last["reason"] == "NewReplicaSetAvailable" and not _moved(before, status):
        # A complete rollout whose pods come and go later does not progress anew (Kubernetes, "Complete Deployment").
        return last
    deadline = float(deployment["spec"].get("progressDeadlineSeconds", 600))
    if last is not None and not moved:
        if last["reason"] == "ProgressDeadlineExceeded" or seconds_since(last["lastUpdateTime"]) < deadline:
            return last
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return _condition("Progressing", "False", "ProgressDeadlineExceeded", message)
    # The deadline counts from the last progress, so every step updates the time even if the message stays the same.
    progressing = _condition("Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    return {**progressing, "lastUpdateTime": now()}


def _moved(before: Body, status: Body) -> bool:
    """Whether the rollout has advanced: more new, ready or available pods, or fewer old ones."""
    had_old = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    has_old = status["replicas"] - status["updatedReplicas"]
    rising = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return has_old < had_old or any(status[name] > before.get(name, 0) for name in rising)


def _condition(kind: str, value: str, reason: str, message: str) -> Body:
    return {"type": kind, "status": value, "reason": reason, "message": message}


def _desired(replica_set: Body) -> int:
    return int(replica_set["spec"].get("replicas", 1))


def _sum(sets: list[Body], field: str) -> int:
    return sum(int((s.get("status") or {}).get(field, 0)) for s in sets)
