"""The condition that tells whether Envoy has an object."""

from typing import Any

from mesh.control.conditions import has_condition, with_condition


def body(*conditions: dict[str, Any], generation: int = 3) -> dict[str, Any]:
    status = {"status": {"conditions": list(conditions), "other": 1}} if conditions else {}
    return {"metadata": {"name": "products", "generation": generation}, "spec": {}, **status}


def programmed(held: dict[str, Any] | None) -> dict[str, Any]:
    assert held is not None
    condition: dict[str, Any] = next(each for each in held["status"]["conditions"] if each["type"] == "Programmed")
    return condition


def test_an_object_that_envoy_has_says_so_once() -> None:
    first = with_condition(body(), None, "then")
    assert programmed(first) == {
        "type": "Programmed",
        "status": "True",
        "reason": "Acknowledged",
        "message": "Envoy has it",
        "observedGeneration": 3,
        "lastTransitionTime": "then",
    }
    assert first is not None
    assert with_condition(first, None, "later") is None


def test_a_refusal_says_why_and_turns_the_time() -> None:
    good = with_condition(body(), None, "then")
    assert good is not None
    bad = programmed(with_condition(good, "no such regex", "later"))
    assert (bad["status"], bad["message"], bad["lastTransitionTime"]) == (
        "False",
        "Envoy refused it: no such regex",
        "later",
    )


def test_the_time_stays_while_the_status_does() -> None:
    good = with_condition(body(), None, "then")
    assert good is not None
    good["metadata"]["generation"] = 4
    again = programmed(with_condition(good, None, "later"))
    assert (again["observedGeneration"], again["lastTransitionTime"]) == (4, "then")


def test_the_conditions_and_status_of_others_stay() -> None:
    held = with_condition(body({"type": "Reconciled", "status": "True"}), None, "now")
    assert held is not None
    assert [each["type"] for each in held["status"]["conditions"]] == ["Reconciled", "Programmed"]
    assert held["status"]["other"] == 1
    assert has_condition(held)
    assert not has_condition(body({"type": "Reconciled"}))
