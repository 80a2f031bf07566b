"""Deployments through the API: their pods, and waiting until they have rolled out or are gone."""

import time
from collections.abc import Mapping, Sequence

from mesh.client.api import Client
from mesh.resources.analysis.unready import causes
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.2
# A container that waits for one of these reasons needs a changed manifest, not more time.
HOPELESS = ("CrashLoopBackOff", "ErrImageNeverPull", "StartError", "CreateContainerError")


class NotReady(Exception):
    """Deployments did not become ready; `reasons` has a sentence for each container that waits."""

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.reasons = tuple(reasons)


def is_hopeless(message: str) -> bool:
    """Does the message name a reason that time alone does not cure?"""
    return any(reason in message for reason in HOPELESS)


def wait_ready(client: Client, deployments: Sequence[Ref], timeout: float) -> int:
    """Waits until all replicas of the Deployments are updated and ready; returns the number of replicas.

    Raises NotReady after `timeout` seconds, or at once when a container cannot start.
    """
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE
    while True:
        bodies = {ref: client.get(ref) for ref in deployments}
        waiting = [ref for ref, body in bodies.items() if not rolled_out(body)]
        if not waiting:
            return sum(body["spec"].get("replicas", 1) for body in bodies.values())
        reasons = [reason for ref in waiting for reason in _waiting_reasons(client, ref)]
        if any(map(is_hopeless, reasons)):
            raise NotReady("\n".join(reasons), reasons)
        if time.monotonic() > deadline:
            names = ", ".join(map(str, waiting))
            raise NotReady("\n".join([f"not ready within {timeout:g} s: {names}", *reasons]), reasons)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def rolled_out(body: Body) -> bool:
    """Has the Deployment reached its spec? The rule of `kubectl rollout status`."""
    status = body.get("status") or {}
    desired = body["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= body["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) >= desired
        and status.get("availableReplicas", 0) >= desired
        and status.get("replicas", 0) <= desired
    )


def pods_of(client: Client, workload: Ref) -> list[Body]:
    """The pods that match the selector of a Deployment, a Job or another workload, newest first."""
    body = client.get(workload)
    labels = body["spec"]["selector"].get("matchLabels", {})
    selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    pods = client.list("", "Pod", workload.namespace, selector=selector)
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)


def replica_sets_of(client: Client, deployments: Sequence[Ref]) -> dict[str, str]:
    """The namespace of each ReplicaSet that the Deployments own, by the ReplicaSet's uid.

    By owner and not by name: `mall-` is the beginning of the names of `mall-v2`'s ReplicaSets and pods too.
    """
    return {
        str(body["metadata"]["uid"]): namespace
        for namespace in sorted({ref.namespace for ref in deployments})
        for body in client.list("apps", "ReplicaSet", namespace)
        for owner in body["metadata"].get("ownerReferences", ())
        if Ref("apps", owner["kind"], namespace, owner["name"]) in deployments
    }


def wait_gone(client: Client, replica_sets: Mapping[str, str], timeout: float) -> list[str]:
    """Waits until the ReplicaSets (see `replica_sets_of`) have no pod; returns the pods left after `timeout`."""
    deadline = time.monotonic() + timeout
    while True:
        left = [
            str(body["metadata"]["name"])
            for namespace in sorted(set(replica_sets.values()))
            for body in client.list("", "Pod", namespace)
            if any(owner["uid"] in replica_sets for owner in body["metadata"].get("ownerReferences", ()))
        ]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _waiting_reasons(client: Client, deployment: Ref) -> list[str]:
    """A sentence for each container of the Deployment's pods that does not become ready."""
    return [
        f"{deployment}: pod {pod['metadata']['name']}, container {cause.container}: {cause.text}"
        for pod in pods_of(client, deployment)
        for cause in causes(pod)
    ]
