"""The condition that says whether Envoy has an object."""

from typing import Any

from mesh.control.conditions import has_condition, rule_status
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition


def body(*conditions: dict[str, Any], generation: int = 3) -> Body:
    status = {"status": {"conditions": list(conditions), "other": 1}} if conditions else {}
    return {"metadata": {"name": "products", "generation": generation}, "spec": {}, **status}


def written(body: Body, refusal: str | None, now: str) -> Body:
    return {**body, "status": rule_status(body, refusal, now)}


def programmed(body: Body) -> Body:
    condition = find_condition(body["status"]["conditions"], "Programmed")
    assert condition is not None
    return condition


def test_an_object_that_envoy_has_says_so_once() -> None:
    first = written(body(), None, "then")
    assert programmed(first) == {
        "type": "Programmed",
        "status": "True",
        "reason": "Acknowledged",
        "message": "Envoy has acknowledged it",
        "observedGeneration": 3,
        "lastTransitionTime": "then",
    }
    assert written(first, None, "later") == first


def test_a_refusal_says_why_and_turns_the_time() -> None:
    good = written(body(), None, "then")
    bad = programmed(written(good, "no such regex", "later"))
    assert (bad["status"], bad["message"], bad["lastTransitionTime"]) == (
        "False",
        "Envoy refused it: no such regex",
        "later",
    )


def test_the_time_stays_while_the_status_does() -> None:
    good = written(body(), None, "then")
    good["metadata"]["generation"] = 4
    again = programmed(written(good, None, "later"))
    assert (again["observedGeneration"], again["lastTransitionTime"]) == (4, "then")


def test_the_conditions_and_status_of_others_stay() -> None:
    both = written(body({"type": "Reconciled", "status": "True"}), None, "now")
    assert [condition["type"] for condition in both["status"]["conditions"]] == ["Reconciled", "Programmed"]
    assert both["status"]["other"] == 1
    assert has_condition(both)
    assert not has_condition(body({"type": "Reconciled"}))
