"""What a PodDisruptionBudget may not say."""

from typing import Any

import pytest

from tests.support.objects import errors, with_fields

BUDGET: dict[str, Any] = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "shop", "namespace": "mesh"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "shop"}}},
}


def test_a_number_and_a_percentage_are_valid() -> None:
    assert errors(BUDGET) == []
    assert errors(with_fields(BUDGET, {"spec.minAvailable": "50%"})) == []


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("spec.maxUnavailable", 1, "spec"),
        ("spec.minAvailable", "150%", "spec.minAvailable"),
        ("spec.minAvailable", -1, "spec.minAvailable"),
        ("spec.minAvailable", "some", "spec.minAvailable"),
        ("spec.unhealthyPodEvictionPolicy", "Never", "spec.unhealthyPodEvictionPolicy"),
        ("spec.selector.matchLabels", {"a b": "c"}, "spec.selector.matchLabels[a b]"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: Any, at: str) -> None:
    (problem,) = errors(with_fields(BUDGET, {path: value}))
    assert f"{at}: " in problem
