"""What differs between the answers of the baseline and of a branch."""

from typing import Any

import pytest

from mesh.branches import compare as comparing
from mesh.branches.compare import Ask, CannotCompare, Difference, Gateway, Got, answering, compare, differences

GATEWAY = Gateway("127.0.0.1", 1)


def got(body: Any = None, status: int = 200, branch: str = "", workload: str = "mall-v1", **headers: str) -> Got:
    return Got(status, headers, body, 1.0, branch, {"mesh/mall": workload})


def test_answers_are_compared_part_by_part() -> None:
    baseline = got({"a": 1, "list": [1, {"b": None}], "same": True}, server="envoy", date="today")
    branch = got({"a": 1.5, "list": [1], "same": True, "new": "x" * 100}, 500, "fox", "mall-fox", date="tomorrow")
    assert differences(baseline, branch) == [
        Difference("status", "200", "500"),
        Difference("header server", "envoy", "-"),
        Difference("body .a", "1", "1.5"),
        Difference("body .list[1]", '{"b": null}', "-"),
        Difference("body .new", "-", '"' + "x" * 56 + "..."),
        Difference("workload mesh/mall", "mall-v1", "mall-fox"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "count"), [(1, True, 1), (None, 0, 1), ("a", "a", 0), ("a", "bb", 1), ({}, [], 1), ([], [], 0)]
)
def test_values_of_another_type_differ(one: Any, other: Any, count: int) -> None:
    assert len(differences(got(one), got(other))) == count


def answers(monkeypatch: pytest.MonkeyPatch, *made: Got) -> None:
    left = list(made)
    monkeypatch.setattr(comparing, "send", lambda *arguments: left.pop(0))


def test_what_differs_in_the_baseline_alone_is_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, got({"now": 1, "a": 1}), got({"now": 2, "a": 1}), got({"now": 3, "a": 2}, branch="fox;1"))
    compared = compare(GATEWAY, "fox", "/", Ask(), lambda request_id: {})
    assert compared.differences == (Difference("body .a", "1", "2"),)


def test_requests_that_went_elsewhere_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, got(branch="ann"), got(branch="ann"))
    with pytest.raises(CannotCompare, match="the baseline's request for / entered branch ann"):
        compare(GATEWAY, "fox", "/", Ask(), lambda request_id: {})
    answers(monkeypatch, got(), got(), got(branch="foxy"))
    with pytest.raises(CannotCompare, match="did not enter branch fox"):
        compare(GATEWAY, "fox", "/", Ask(), lambda request_id: {})


def test_a_gateway_that_is_away_is_named() -> None:
    with pytest.raises(CannotCompare, match=r"the gateway at http://127\.0\.0\.1:1 does not respond to /"):
        compare(GATEWAY, "fox", "/", Ask(), lambda request_id: {})


def test_who_answered_is_known_once_the_gateway_s_span_is_there() -> None:
    def span(source: str, service: str, workload: str) -> dict[str, Any]:
        return {"source": source, "destination": {"service": service, "workload": workload} if workload else None}

    calls = [span("mall", "stock", "stock-v1"), span("mall", "stock", "stock-v2"), span("mall", "away", "")]
    assert answering(calls) is None
    assert answering([*calls, span("", "mall", "mall-v1")]) == {"stock": "stock-v1, stock-v2", "mall": "mall-v1"}
