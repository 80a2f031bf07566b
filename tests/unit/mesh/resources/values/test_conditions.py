"""Merging conditions: which times stay, and whose conditions stay."""

from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition, merge_conditions


def condition(type_: str, status: str, message: str = "", **times: str) -> Body:
    return {"type": type_, "status": status, "reason": "Because", "message": message, **times}


def test_a_new_condition_begins_now() -> None:
    assert merge_conditions(None, [condition("Ready", "True")], "now") == [
        condition("Ready", "True", lastTransitionTime="now")
    ]


def test_a_new_message_is_no_transition() -> None:
    former = [condition("Ready", "False", "0 of 2", lastTransitionTime="then")]
    assert merge_conditions(former, [condition("Ready", "False", "1 of 2")], "now") == [
        condition("Ready", "False", "1 of 2", lastTransitionTime="then")
    ]


def test_a_status_that_turns_is_a_transition() -> None:
    former = [condition("Ready", "False", lastTransitionTime="then")]
    assert merge_conditions(former, [condition("Ready", "True")], "now")[0]["lastTransitionTime"] == "now"


def test_what_says_nothing_new_is_equal_to_what_was_there() -> None:
    former = [
        condition("Available", "True", lastTransitionTime="then", lastUpdateTime="then"),
        condition("Elsewhere", "Unknown", lastTransitionTime="then"),
    ]
    desired = [condition("Available", "True")]
    again = merge_conditions(former, desired, "now")
    assert again == [former[1], former[0]]
    assert merge_conditions(again, desired, "later") == again


def test_a_time_that_the_writer_states_is_written() -> None:
    former = [condition("Progressing", "True", lastTransitionTime="then", lastUpdateTime="then")]
    desired = [condition("Progressing", "True", lastUpdateTime="now")]
    assert merge_conditions(former, desired, "now") == [
        condition("Progressing", "True", lastTransitionTime="then", lastUpdateTime="now")
    ]


def test_a_reason_that_is_no_longer_stated_goes() -> None:
    former = [condition("Ready", "True", lastTransitionTime="then")]
    assert merge_conditions(former, [{"type": "Ready", "status": "True"}], "now") == [
        {"type": "Ready", "status": "True", "lastTransitionTime": "then"}
    ]


def test_the_generation_is_observed_by_each() -> None:
    desired = [condition("Ready", "True"), condition("Accepted", "True")]
    assert [merged["observedGeneration"] for merged in merge_conditions([], desired, "now", generation=4)] == [4, 4]


def test_conditions_of_other_writers_stay_unless_they_are_dropped() -> None:
    former = [condition("Theirs", "True", lastTransitionTime="then")]
    desired = [condition("Ready", "True")]
    assert [merged["type"] for merged in merge_conditions(former, desired, "now")] == ["Theirs", "Ready"]
    assert [merged["type"] for merged in merge_conditions(former, desired, "now", keep_others=False)] == ["Ready"]


def test_a_condition_is_found_by_its_type() -> None:
    ready = condition("Ready", "True")
    assert find_condition([condition("Accepted", "True"), ready], "Ready") == ready
    assert find_condition(None, "Ready") is None
