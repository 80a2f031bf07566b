"""What a HorizontalPodAutoscaler may not say."""

from typing import Any

import pytest

from tests.support.objects import errors, with_fields

AUTOSCALER: dict[str, Any] = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "shop", "namespace": "mesh"},
    "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}},
}


def cpu(**target: Any) -> list[dict[str, Any]]:
    return [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def test_the_smallest_autoscaler_is_valid() -> None:
    assert errors(AUTOSCALER) == []


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("spec.minReplicas", 4, "spec.maxReplicas"),
        ("spec.minReplicas", 0, "spec.minReplicas"),
        ("spec.scaleTargetRef.name", "", "spec.scaleTargetRef.name"),
        ("spec.scaleTargetRef.apiVersion", "v1", "spec.scaleTargetRef.apiVersion"),
        ("spec.metrics", [{"type": "Resource"}], "spec.metrics[0].resource"),
        ("spec.metrics", [{"type": "Heat"}], "spec.metrics[0].type"),
        ("spec.metrics", cpu(type="Utilization"), "spec.metrics[0].resource.target.averageUtilization"),
        (
            "spec.metrics",
            cpu(type="Utilization", averageUtilization=0),
            "spec.metrics[0].resource.target.averageUtilization",
        ),
        (
            "spec.metrics",
            cpu(type="Utilization", averageUtilization=1, averageValue="1"),
            "spec.metrics[0].resource.target.averageValue",
        ),
        ("spec.behavior", {"scaleUp": {"policies": []}}, "spec.behavior.scaleUp.policies"),
        ("spec.behavior", {"scaleUp": {"selectPolicy": "Any"}}, "spec.behavior.scaleUp.selectPolicy"),
        (
            "spec.behavior",
            {"scaleDown": {"stabilizationWindowSeconds": 9999}},
            "spec.behavior.scaleDown.stabilizationWindowSeconds",
        ),
        (
            "spec.behavior",
            {"scaleDown": {"policies": [{"type": "Pods", "value": 0, "periodSeconds": 15}]}},
            "spec.behavior.scaleDown.policies[0].value",
        ),
    ],
)
def test_what_is_wrong_is_named(path: str, value: Any, at: str) -> None:
    (problem,) = errors(with_fields(AUTOSCALER, {path: value}))
    assert f"{at}: " in problem
