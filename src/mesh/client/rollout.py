"""Workloads through the API: their pods, and waiting until they have rolled out or are gone."""

import time
from collections.abc import Mapping, Sequence

from mesh.client.api import Client
from mesh.resources.analysis.unready import causes
from mesh.resources.values.body import Body
from mesh.resources.values.ref import DAEMON_SET, DEPLOYMENT, STATEFUL_SET, Ref

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.2
# A container that waits for one of these reasons needs a changed manifest, not more time.
HOPELESS = ("CrashLoopBackOff", "ErrImageNeverPull", "StartError", "CreateContainerError")


# The kinds that roll out: `wait_ready` takes them.
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)


class NotReady(Exception):
    """Workloads did not become ready; `reasons` has a sentence for each container that waits."""

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.reasons = tuple(reasons)


def is_hopeless(message: str) -> bool:
    """Does the message name a reason that time alone does not cure?"""
    return any(reason in message for reason in HOPELESS)


def wait_ready(client: Client, workloads: Sequence[Ref], timeout: float) -> int:
    """Waits until all pods of the workloads (`WORKLOADS`) are updated and ready; returns the number of pods.

    Raises NotReady after `timeout` seconds, or at once when a container cannot start.
    """
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE
    while True:
        bodies = {ref: client.get(ref) for ref in workloads}
        waiting = [ref for ref, body in bodies.items() if not rolled_out(body)]
        if not waiting:
            return sum(map(desired_pods, bodies.values()))
        reasons = [reason for ref in waiting for reason in _waiting_reasons(client, ref)]
        if any(map(is_hopeless, reasons)):
            raise NotReady("\n".join(reasons), reasons)
        if time.monotonic() > deadline:
            names = ", ".join(map(str, waiting))
            raise NotReady("\n".join([f"not ready within {timeout:g} s: {names}", *reasons]), reasons)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def rolled_out(body: Body) -> bool:
    """Has the workload reached its spec? The rule of `kubectl rollout status`."""
    status = body.get("status") or {}
    if status.get("observedGeneration", 0) < body["metadata"].get("generation", 0):
        return False
    desired = desired_pods(body)
    if body.get("kind") == "DaemonSet":
        return "desiredNumberScheduled" in status and bool(
            status.get("updatedNumberScheduled", 0) >= desired and status.get("numberAvailable", 0) >= desired
        )
    if body.get("kind") == "StatefulSet":
        return _stateful_set_rolled_out(body["spec"].get("updateStrategy") or {}, status, desired)
    return bool(
        status.get("updatedReplicas", 0) >= desired
        and status.get("availableReplicas", 0) >= desired
        and status.get("replicas", 0) <= desired
    )


def desired_pods(body: Body) -> int:
    """How many pods a workload should have."""
    if body.get("kind") == "DaemonSet":
        return int((body.get("status") or {}).get("desiredNumberScheduled", 0))
    return int(body["spec"].get("replicas", 1))


def ready_pods(body: Body) -> int:
    """How many pods of a workload are ready."""
    return int((body.get("status") or {}).get("numberReady" if body.get("kind") == "DaemonSet" else "readyReplicas", 0))


def _stateful_set_rolled_out(strategy: Body, status: Body, desired: int) -> bool:
    """With OnDelete the pods' revision is the user's business; with a partition only those above it are updated."""
    if status.get("readyReplicas", 0) < desired:
        return False
    if strategy.get("type") == "OnDelete":
        return True
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    return bool(status.get("updatedReplicas", 0) >= desired - partition)


def pods_of(client: Client, workload: Ref) -> list[Body]:
    """The pods that match the selector of a Deployment, a Job or another workload, newest first."""
    body = client.get(workload)
    labels = body["spec"]["selector"].get("matchLabels", {})
    selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    pods = client.list("", "Pod", workload.namespace, selector=selector)
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)


def owners_of_pods(client: Client, workloads: Sequence[Ref]) -> dict[str, str]:
    """The namespace of each object that owns pods of the workloads, by its uid: a Deployment's pods belong to
    ReplicaSets, those of the others to the workload itself.

    By owner and not by name: `mall-` is the beginning of the names of `mall-v2`'s ReplicaSets and pods too.
    """
    owners: dict[str, str] = {}
    for namespace in sorted({ref.namespace for ref in workloads}):
        for body in client.list("apps", "ReplicaSet", namespace):
            for owner in body["metadata"].get("ownerReferences", ()):
                if Ref("apps", owner["kind"], namespace, owner["name"]) in workloads:
                    owners[str(body["metadata"]["uid"])] = namespace
    for ref in workloads:
        if ref.group_kind in (STATEFUL_SET, DAEMON_SET):
            bodies = client.list(ref.group, ref.kind, ref.namespace)
            owners |= {str(b["metadata"]["uid"]): ref.namespace for b in bodies if b["metadata"]["name"] == ref.name}
    return owners


def wait_gone(client: Client, owners: Mapping[str, str], timeout: float) -> list[str]:
    """Waits until the owners (see `owners_of_pods`) have no pod; returns the pods left after `timeout`."""
    deadline = time.monotonic() + timeout
    while True:
        left = [
            str(body["metadata"]["name"])
            for namespace in sorted(set(owners.values()))
            for body in client.list("", "Pod", namespace)
            if any(owner["uid"] in owners for owner in body["metadata"].get("ownerReferences", ()))
        ]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _waiting_reasons(client: Client, workload: Ref) -> list[str]:
    """A sentence for each container of the workload's pods that does not become ready."""
    return [
        f"{workload}: pod {pod['metadata']['name']}, container {cause.container}: {cause.text}"
        for pod in pods_of(client, workload)
        for cause in causes(pod)
    ]
