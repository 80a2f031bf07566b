"""An autoscaler's metrics, out of what the pods of its workload use. Pure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from mesh.pods.autoscaling.decision import for_ratio
from mesh.pods.host.usage import ContainerUsage, Usage
from mesh.resources.core.horizontal_pod_autoscaler import (
    ContainerResourceMetricSource,
    MetricSpec,
    MetricTarget,
    ResourceMetricSource,
)
from mesh.resources.core.pod import Container, Pod
from mesh.resources.values.body import Body
from mesh.resources.values.quantities import quantity


class Unknown(Exception):
    """A metric cannot be had: Kubernetes' reason, and the message of a condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Reading(NamedTuple):
    """How many replicas a metric asks for, what it says of the status, and the metric in words."""

    replicas: int
    current: Body
    name: str


def read(metric: MetricSpec, pods: Sequence[Pod], usage: Usage, current: int) -> Reading:
    """What a metric asks for. `pods` are those that are ready, `current` the number of replicas. Raises Unknown."""
    source: ResourceMetricSource | ContainerResourceMetricSource
    if metric.resource is not None:
        source, key, container = metric.resource, "resource", ""
        failure = "FailedGetResourceMetric"
    elif metric.container_resource is not None:
        source, key, container = metric.container_resource, "containerResource", metric.container_resource.container
        failure = "FailedGetContainerResourceMetric"
    else:
        why = f"metrics of type {metric.type} cannot be had here: no custom metrics API is registered"
        raise Unknown(f"FailedGet{metric.type}Metric", why)
    if source.name not in ("cpu", "memory"):
        raise Unknown(failure, f"unable to get metrics for resource {source.name}: the mesh measures cpu and memory")
    measured = [pod for pod in pods if any(uid == pod.metadata.uid for uid, _ in usage.containers)]
    if not measured:
        message = f"unable to get metrics for resource {source.name}: no metrics returned from resource metrics API"
        raise Unknown(failure, message)
    used = [_used(pod, usage, source.name, container) for pod in measured]
    average = math.ceil(sum(used) / len(used))
    replicas, values = _compare(source.target, measured, used, source.name, container, failure, current)
    body: Body = {"name": source.name, "current": {"averageValue": _written(average, source.name), **values}}
    if container:
        body["container"] = container
    words = f"{source.name} {'container ' if container else ''}resource utilization (percentage of request)"
    return Reading(replicas, {"type": metric.type, key: body}, words)


def _compare(
    target: MetricTarget,
    pods: Sequence[Pod],
    used: Sequence[int],
    resource: str,
    container: str,
    failure: str,
    current: int,
) -> tuple[int, Body]:
    """The replicas that the target asks for, and what the status has beside the average."""
    if target.average_utilization is None:
        wanted = _milli(target.average_value or 1, resource)
        ratio = sum(used) / len(used) / wanted
        return for_ratio(current, len(pods), ratio), {}
    requested = 0
    for pod in pods:
        for one in _containers(pod, container):
            amount = one.resources.requests.get(resource) if one.resources is not None else None
            if amount is None:
                where = f"container {one.name} of Pod {pod.metadata.name}"
                message = f"failed to get {resource} utilization: missing request for {resource} in {where}"
                raise Unknown(failure, message)
            requested += _milli(amount, resource)
    if not requested:
        raise Unknown(failure, f"failed to get {resource} utilization: the pods request no {resource}")
    utilization = int(sum(used) * 100 / requested)
    return for_ratio(current, len(pods), utilization / target.average_utilization), {"averageUtilization": utilization}


def _containers(pod: Pod, name: str) -> list[Container]:
    """The containers that count: one by its name, or all, native sidecars among them."""
    sidecars = [container for container in pod.spec.init_containers if container.restart_policy == "Always"]
    return [container for container in (*pod.spec.containers, *sidecars) if name in ("", container.name)]


def _used(pod: Pod, usage: Usage, resource: str, container: str) -> int:
    """Millicores, or thousandths of a byte."""
    total = 0.0
    for (uid, name), of_container in usage.containers.items():
        if uid == pod.metadata.uid and container in ("", name):
            total += _amount(of_container, resource)
    return math.ceil(total * 1000)


def _amount(usage: ContainerUsage, resource: str) -> float:
    return usage.cores if resource == "cpu" else float(usage.memory)


def _milli(amount: str | int | float, resource: str) -> int:
    return max(1, math.ceil(quantity(amount) * 1000))


def _written(milli: int, resource: str) -> str:
    return f"{milli}m" if resource == "cpu" else str(milli // 1000)
