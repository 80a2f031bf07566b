"""How many replicas an autoscaler wants: ratio, limits, windows, policies."""

from typing import Any

import msgspec
import pytest

from mesh.pods.autoscaling.decision import History, Recommendation, Rescale, desired_replicas, for_ratio
from mesh.resources.core.horizontal_pod_autoscaler import HorizontalPodAutoscalerSpec

NOW = 1000.0


def spec(**more: Any) -> HorizontalPodAutoscalerSpec:
    return msgspec.convert({"minReplicas": 1, "maxReplicas": 20, **more}, HorizontalPodAutoscalerSpec)


def desired(current: int, proposed: int, history: History | None = None, **more: Any) -> tuple[int, str, str]:
    """The number, and the reasons of AbleToScale and ScalingLimited."""
    result = desired_replicas(spec(**more), current, proposed, history or History(), NOW)
    return result.replicas, result.able[1], result.limited[1]


@pytest.mark.parametrize(
    ("current", "pods", "ratio", "expected"),
    [
        (2, 2, 2.0, 4),
        (3, 3, 1.05, 3),
        (3, 3, 0.95, 3),
        (3, 3, 0.5, 2),
        (4, 4, 0.25, 1),
        (5, 2, 2.0, 5),
        (2, 2, 1.5, 3),
        (10, 10, 1.2, 12),
    ],
)
def test_the_ratio_to_the_target_is_the_ratio_of_replicas(current: int, pods: int, ratio: float, expected: int) -> None:
    assert for_ratio(current, pods, ratio) == expected


def test_the_limits_of_the_spec_hold() -> None:
    assert desired(2, 6, maxReplicas=3) == (3, "ReadyForNewScale", "TooManyReplicas")
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    assert desired(3, 1, minReplicas=2, behavior=behavior) == (2, "ReadyForNewScale", "TooFewReplicas")
    assert desired(3, 3) == (3, "ReadyForNewScale", "DesiredWithinRange")


def test_scaling_down_waits_for_the_highest_recommendation_of_five_minutes() -> None:
    recent = History(recommendations=[Recommendation(NOW - 200, 5)])
    assert desired(5, 2, recent) == (5, "ScaleDownStabilized", "DesiredWithinRange")
    long_ago = History(recommendations=[Recommendation(NOW - 301, 5)])
    assert desired(5, 2, long_ago)[0] == 2
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 100}}
    assert desired(5, 2, recent, behavior=behavior)[0] == 2


def test_scaling_up_may_wait_for_the_lowest_recommendation() -> None:
    recent = History(recommendations=[Recommendation(NOW - 5, 3)])
    assert desired(3, 5, recent)[0] == 5
    behavior = {"scaleUp": {"stabilizationWindowSeconds": 10}}
    assert desired(3, 5, recent, behavior=behavior) == (3, "ScaleUpStabilized", "DesiredWithinRange")


def test_a_step_up_is_twice_as_many_or_four_more() -> None:
    assert desired(1, 20) == (5, "ReadyForNewScale", "ScaleUpLimit")
    assert desired(8, 20) == (16, "ReadyForNewScale", "ScaleUpLimit")
    before = History(rescales=[Rescale(NOW - 10, 4)])
    assert desired(5, 20, before)[0] == 5, "those that were added within the period count"
    assert desired(5, 20, History(rescales=[Rescale(NOW - 16, 4)]))[0] == 10


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}, 9),
        ({"policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}]}, 5),
        ({"selectPolicy": "Disabled"}, 10),
        (
            {
                "selectPolicy": "Min",
                "policies": [
                    {"type": "Pods", "value": 1, "periodSeconds": 60},
                    {"type": "Percent", "value": 50, "periodSeconds": 60},
                ],
            },
            9,
        ),
        ({}, 2),
    ],
)
def test_policies_bound_a_step_down(rules: dict[str, Any], expected: int) -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 0, **rules}}
    assert desired(10, 2, behavior=behavior)[0] == expected


def test_history_forgets_what_no_window_looks_at() -> None:
    history = History([Rescale(NOW - 4000, 1), Rescale(NOW, 1)], [Recommendation(NOW - 4000, 1)])
    assert history.trimmed(NOW) == History([Rescale(NOW, 1)], [])
