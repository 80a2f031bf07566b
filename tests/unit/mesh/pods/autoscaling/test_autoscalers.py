"""HorizontalPodAutoscalers with real processes, measured."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mesh.resources.values.conditions import find_condition
from mesh.resources.values.ref import HORIZONTAL_POD_AUTOSCALER, Ref
from tests.support.yard import FAST, Yard, deployment, shell, yard_of

AUTOSCALER = Ref(*HORIZONTAL_POD_AUTOSCALER, "mesh", "shop")
SHOP = Ref("apps", "Deployment", "mesh", "shop")
IDLE = shell("exec sleep 600")
# Some processor time, not all: far more than a request of a thousandth.
BUSY = shell("""
    while true; do
        i=0
        while [ $i -lt 2000 ]; do i=$((i + 1)); done
        sleep 0.02
    done
""")
REQUEST = {"resources": {"requests": {"cpu": "1m"}}}


@pytest.fixture
async def yard(home: Path) -> AsyncIterator[Yard]:
    """A yard in which autoscalers look often."""
    async with yard_of(home, replace(FAST, autoscale_every=0.2)) as started:
        yield started


def autoscaler(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "shop"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 2, "targetCPUUtilizationPercentage": 50, **spec},
    }


def replicas(yard: Yard) -> int:
    return int((yard.get(SHOP) or {})["spec"]["replicas"])


def status(yard: Yard) -> dict[str, Any]:
    return (yard.get(AUTOSCALER) or {}).get("status") or {}


def reason(yard: Yard, condition: str) -> str:
    found = find_condition(status(yard).get("conditions"), condition)
    return str(found["reason"]) if found else ""


async def test_a_busy_workload_gets_as_many_pods_as_it_may(yard: Yard) -> None:
    yard.put(deployment("shop", 1, *BUSY, **REQUEST))
    yard.put(autoscaler())
    await yard.until(lambda: replicas(yard) == 2)
    await yard.until(lambda: status(yard).get("currentReplicas") == 2 and reason(yard, "ScalingActive") != "")
    assert status(yard)["lastScaleTime"]
    (event,) = yard.events("SuccessfulRescale")
    assert event["message"] == "New size: 2; reason: cpu resource utilization (percentage of request) above target"

    def utilization() -> int:
        metrics = status(yard).get("currentMetrics") or [{"resource": {"name": "cpu", "current": {}}}]
        return int(metrics[0]["resource"]["current"].get("averageUtilization", 0))

    await yard.until(lambda: utilization() > 50)
    await yard.until(lambda: reason(yard, "ScalingLimited") == "TooManyReplicas")


async def test_an_idle_workload_is_scaled_down_once_its_window_is_over(yard: Yard) -> None:
    yard.put(deployment("shop", 2, *IDLE, **REQUEST))
    yard.put(autoscaler())
    await yard.until(lambda: reason(yard, "AbleToScale") == "ScaleDownStabilized")
    assert replicas(yard) == 2
    metrics = [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    ]
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    body = autoscaler(metrics=metrics, behavior=behavior) | {"apiVersion": "autoscaling/v2"}
    del body["spec"]["targetCPUUtilizationPercentage"]
    yard.put(body)
    await yard.until(lambda: replicas(yard) == 1)
    assert yard.events("SuccessfulRescale")[0]["message"] == "New size: 1; reason: All metrics below target"


async def test_the_limits_hold_whatever_is_measured(yard: Yard) -> None:
    yard.put(deployment("shop", 1, *IDLE))
    yard.put(autoscaler(minReplicas=2, maxReplicas=3))
    await yard.until(lambda: replicas(yard) == 2)
    await yard.until(lambda: reason(yard, "ScalingActive") == "FailedGetResourceMetric")


async def test_what_cannot_be_scaled_is_said(yard: Yard) -> None:
    yard.put(autoscaler())
    await yard.until(lambda: reason(yard, "AbleToScale") == "FailedGetScale")
    yard.put(deployment("shop", 0, *IDLE))
    await yard.until(lambda: reason(yard, "ScalingActive") == "ScalingDisabled")
    assert replicas(yard) == 0
