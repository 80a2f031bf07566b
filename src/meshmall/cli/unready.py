"""What `meshmall status` says of workloads whose pods are not ready: how many, why, and what would help."""

from collections.abc import Iterable, Mapping, Sequence

from mesh.client.rollout import desired_pods, ready_pods
from mesh.resources.analysis.unready import NO_PROGRAM, causes, summary
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition

MOST_IMAGES = 12


def unready(workloads: Iterable[Body], jobs: Iterable[Body], pods: Sequence[Body]) -> list[str]:
    """A line for each workload whose pods are not ready and each Job that failed, and one for all unknown images."""
    lines = []
    concerned: list[Body] = []
    for body in workloads:
        ready, replicas = ready_pods(body), desired_pods(body)
        if ready != replicas:
            own = _pods_of(body, pods)
            concerned += own
            lines.append(f"{body['kind']} {_name(body)}: {ready}/{replicas} pods are ready{_why(own)}")
    for body in jobs:
        own = _pods_of(body, pods)
        failed = find_condition((body.get("status") or {}).get("conditions"), "Failed")
        if failed is not None and failed["status"] == "True":
            lines.append(f"Job {_name(body)}: {failed.get('message') or failed.get('reason')}{_why(own)}")
            continue
        pending = [pod for pod in own if _phase(pod) == "Pending"]
        concerned += pending
        lines += [f"Job {_name(body)}: its pod cannot start{why}" for pod in pending[:1] if (why := _why([pod]))]
    return [*lines, *_images(concerned)]


def _why(pods: Iterable[Body]) -> str:
    reason = next((text for pod in pods if (text := summary(pod))), "")
    return f": {reason}" if reason else ""


def _images(pods: Iterable[Body]) -> list[str]:
    """One line for all images that have no program: with a system of twenty services it is the only one to act on."""
    images = sorted({cause.image for pod in pods for cause in causes(pod) if cause.reason == NO_PROGRAM})
    if not images:
        return []
    shown = ", ".join(images[:MOST_IMAGES]) + (
        f" and {len(images) - MOST_IMAGES} more" if len(images) > MOST_IMAGES else ""
    )
    count = "1 image has" if len(images) == 1 else f"{len(images)} images have"
    return [f"{count} no program: {shown}; register them in images.yaml (docs/manifests.md)"]


def _pods_of(workload: Body, pods: Iterable[Body]) -> list[Body]:
    """The pods that its selector matches."""
    namespace = workload["metadata"]["namespace"]
    labels: Mapping[str, str] = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
    return [
        pod
        for pod in pods
        if pod["metadata"]["namespace"] == namespace
        and labels
        and labels.items() <= (pod["metadata"].get("labels") or {}).items()
    ]


def _phase(pod: Body) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def _name(body: Body) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"
