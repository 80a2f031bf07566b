"""A HorizontalPodAutoscaler is one object, whichever version of the API it is written and read at."""

from typing import Any

from mesh.resources.validation.autoscaler_versions import at_version, to_first_version
from mesh.resources.validation.manifest import validate

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 40}}}
MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}


def autoscaler(version: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "shop", "namespace": "mesh"},
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec},
    }


def test_the_percentage_of_v1_is_a_metric_of_v2() -> None:
    stored = validate(autoscaler("v1", targetCPUUtilizationPercentage=40)).body
    assert stored["apiVersion"] == "autoscaling/v2"
    assert stored["spec"]["metrics"] == [CPU]
    assert "targetCPUUtilizationPercentage" not in stored["spec"]
    shown = at_version(stored, "v1")
    assert shown["apiVersion"] == "autoscaling/v1"
    assert shown["spec"] == {**autoscaler("v1")["spec"], "minReplicas": 1, "targetCPUUtilizationPercentage": 40}
    assert at_version(stored, "v2") is stored


def test_nothing_is_lost_on_the_way_to_v1_and_back() -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 10}}
    stored = validate(autoscaler("v2", metrics=[MEMORY, CPU], behavior=behavior)).body
    shown = at_version(stored, "v1")
    assert set(shown["spec"]) == {"scaleTargetRef", "minReplicas", "maxReplicas", "targetCPUUtilizationPercentage"}
    assert set(shown["metadata"]["annotations"]) == {
        "autoscaling.alpha.kubernetes.io/metrics",
        "autoscaling.alpha.kubernetes.io/behavior",
    }
    back = to_first_version(shown)
    assert back["spec"] == {**stored["spec"], "metrics": [CPU, MEMORY]}
    assert back["metadata"] == stored["metadata"]


def test_a_status_is_shown_in_the_words_of_v1() -> None:
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12}}}
    status = {"currentReplicas": 2, "currentMetrics": [current], "conditions": [{"type": "AbleToScale"}]}
    shown = at_version({**autoscaler("v2", metrics=[CPU]), "status": status}, "v1")
    assert shown["status"] == {"currentReplicas": 2, "currentCPUUtilizationPercentage": 12}
    assert "autoscaling.alpha.kubernetes.io/conditions" in shown["metadata"]["annotations"]


def test_annotations_that_somebody_has_broken_count_as_missing() -> None:
    body = autoscaler("v1", targetCPUUtilizationPercentage=40)
    body["metadata"]["annotations"] = {"autoscaling.alpha.kubernetes.io/metrics": "{", "note": "mine"}
    assert to_first_version(body)["spec"]["metrics"] == [CPU]
    assert to_first_version(body)["metadata"]["annotations"] == {"note": "mine"}
