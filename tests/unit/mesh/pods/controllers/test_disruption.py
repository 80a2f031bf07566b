"""What a PodDisruptionBudget says that may be taken away, with real pods."""

from typing import Any

import pytest

from mesh.resources.values.ref import POD_DISRUPTION_BUDGET, Ref
from tests.support.yard import Yard, deployment, pod, shell

FOREVER = shell("exec sleep 600")
BUDGET = Ref(*POD_DISRUPTION_BUDGET, "mesh", "shop")


def budget(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "shop"}}, **spec},
    }


def numbers(yard: Yard) -> tuple[int, int, int, int]:
    """Allowed disruptions, healthy, desired and expected pods."""
    status = (yard.get(BUDGET) or {}).get("status") or {}
    names = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    return tuple(int(status.get(name, -1)) for name in names)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minAvailable": 1}, (2, 3, 1, 3)),
        ({"minAvailable": 3}, (0, 3, 3, 3)),
        ({"minAvailable": "50%"}, (1, 3, 2, 3)),
        ({"maxUnavailable": 1}, (1, 3, 2, 3)),
        ({"maxUnavailable": "30%"}, (1, 3, 2, 3)),
        ({"maxUnavailable": 0}, (0, 3, 3, 3)),
    ],
)
async def test_a_budget_counts_the_pods_that_are_and_should_be(
    yard: Yard, spec: dict[str, Any], expected: tuple[int, int, int, int]
) -> None:
    yard.put(deployment("shop", 3, *FOREVER))
    yard.put(budget(**spec))
    await yard.until(lambda: numbers(yard) == expected)
    conditions = (yard.get(BUDGET) or {})["status"]["conditions"]
    assert [(condition["type"], condition["status"]) for condition in conditions] == [
        ("DisruptionAllowed", str(expected[0] > 0))
    ]


async def test_a_budget_follows_its_pods(yard: Yard) -> None:
    yard.put(budget(minAvailable=1))
    await yard.until(lambda: numbers(yard) == (0, 0, 1, 0))
    ref = yard.put(pod("shop", *FOREVER))
    await yard.until(lambda: numbers(yard) == (0, 1, 1, 1))
    yard.change(ref, lambda body: body["metadata"].update(labels={"app": "other"}))
    await yard.until(lambda: numbers(yard) == (0, 0, 1, 0))


async def test_bare_pods_have_no_number_that_a_percentage_is_of(yard: Yard) -> None:
    ref = yard.put(pod("shop", *FOREVER))
    await yard.until(lambda: yard.ready(ref))
    yard.put(budget(maxUnavailable="50%"))
    await yard.until(lambda: numbers(yard) == (0, 1, 0, 0))
