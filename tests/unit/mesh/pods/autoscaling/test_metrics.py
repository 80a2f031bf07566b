"""An autoscaler's metrics, out of what pods use and request."""

from typing import Any

import msgspec
import pytest

from mesh.pods.autoscaling.metrics import Unknown, read
from mesh.pods.host.usage import ContainerUsage, Usage
from mesh.resources.core.horizontal_pod_autoscaler import MetricSpec
from mesh.resources.core.pod import Pod

MEBIBYTE = 1 << 20


def pod(uid: str, **requests: str) -> Pod:
    containers = [
        {"name": "main", "resources": {"requests": requests} if requests else {}},
        {"name": "helper", "resources": {"requests": requests} if requests else {}},
    ]
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": uid, "uid": uid},
        "spec": {"containers": containers},
    }
    return msgspec.convert(body, Pod)


def usage(cores: float, memory: int = 0, *uids: str) -> Usage:
    """The same in the main container of each pod; the others use nothing."""
    used = {(uid, "main"): ContainerUsage(cores, memory) for uid in uids}
    return Usage(1.0, used | {(uid, "helper"): ContainerUsage(0.0, 0) for uid in uids})


def metric(source: str, **fields: Any) -> MetricSpec:
    kind = source[0].upper() + source[1:]
    return msgspec.convert({"type": kind, source: fields}, MetricSpec)


def test_utilization_is_a_percentage_of_what_all_containers_request() -> None:
    cpu = metric("resource", name="cpu", target={"type": "Utilization", "averageUtilization": 50})
    reading = read(cpu, [pod("a", cpu="100m"), pod("b", cpu="100m")], usage(0.2, 0, "a", "b"), 2)
    assert reading.replicas == 4
    assert reading.current == {
        "type": "Resource",
        "resource": {"name": "cpu", "current": {"averageUtilization": 100, "averageValue": "200m"}},
    }


def test_one_container_can_be_what_counts() -> None:
    target = {"type": "Utilization", "averageUtilization": 50}
    main = metric("containerResource", name="cpu", container="main", target=target)
    reading = read(main, [pod("a", cpu="100m")], usage(0.1, 0, "a"), 1)
    assert reading.replicas == 2
    assert reading.current["containerResource"]["container"] == "main"


def test_an_average_value_needs_no_request() -> None:
    memory = metric("resource", name="memory", target={"type": "AverageValue", "averageValue": "10Mi"})
    reading = read(memory, [pod("a")], usage(0.0, 30 * MEBIBYTE, "a"), 1)
    assert reading.replicas == 3
    assert reading.current["resource"]["current"] == {"averageValue": str(30 * MEBIBYTE)}


def test_pods_that_were_not_measured_do_not_count() -> None:
    cpu = metric("resource", name="cpu", target={"type": "AverageValue", "averageValue": "100m"})
    assert read(cpu, [pod("a"), pod("new")], usage(0.1, 0, "a"), 2).replicas == 2


@pytest.mark.parametrize(
    ("spec", "pods", "reason", "message"),
    [
        (
            metric("resource", name="cpu", target={"type": "Utilization", "averageUtilization": 50}),
            [pod("a")],
            "FailedGetResourceMetric",
            "failed to get cpu utilization: missing request for cpu in container main of Pod a",
        ),
        (
            metric("resource", name="cpu", target={"type": "Utilization", "averageUtilization": 50}),
            [],
            "FailedGetResourceMetric",
            "unable to get metrics for resource cpu: no metrics returned from resource metrics API",
        ),
        (
            metric("pods", metric={"name": "requests"}, target={"type": "AverageValue", "averageValue": "1"}),
            [pod("a")],
            "FailedGetPodsMetric",
            "metrics of type Pods cannot be had here: no custom metrics API is registered",
        ),
    ],
)
def test_what_cannot_be_had_says_why(spec: MetricSpec, pods: list[Pod], reason: str, message: str) -> None:
    with pytest.raises(Unknown) as unknown:
        read(spec, pods, usage(0.1, 0, "a"), 1)
    assert (unknown.value.reason, unknown.value.message) == (reason, message)
