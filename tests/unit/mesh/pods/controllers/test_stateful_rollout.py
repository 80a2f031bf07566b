"""Which pods of a StatefulSet come and go next."""

from dataclasses import replace

import pytest

from mesh.pods.controllers.stateful_rollout import Member, Plan, Step, is_complete, plan_of, step

THREE = Plan(replicas=3, current="one", update="one")


def ready(*ordinals: int, revision: str = "one") -> list[Member]:
    return [Member(ordinal, revision, ready=True, available=True) for ordinal in ordinals]


def starting(ordinal: int, revision: str = "one") -> Member:
    return Member(ordinal, revision)


def ending(ordinal: int, revision: str = "one") -> Member:
    return Member(ordinal, revision, ready=True, available=True, terminating=True)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], Step(create=(0,))),
        ([starting(0)], Step()),
        (ready(0), Step(create=(1,))),
        ([*ready(0), starting(1)], Step()),
        (ready(0, 1), Step(create=(2,))),
        (ready(0, 2), Step(create=(1,))),
        ([ending(0), *ready(1, 2)], Step()),
        (ready(0, 1, 2), Step()),
    ],
)
def test_with_ordered_ready_each_pod_waits_for_the_one_before(members: list[Member], expected: Step) -> None:
    assert step(THREE, members) == expected


def test_with_parallel_all_pods_come_and_go_at_once() -> None:
    parallel = replace(THREE, parallel=True)
    assert step(parallel, []) == Step(create=(0, 1, 2))
    assert step(parallel, [starting(0)]) == Step(create=(1, 2))
    assert step(replace(parallel, replicas=1), [starting(0), *ready(1), starting(2)]) == Step(end=(2, 1))


def test_scaling_down_ends_the_highest_ordinal_first_and_one_at_a_time() -> None:
    one = replace(THREE, replicas=1)
    assert step(one, ready(0, 1, 2)) == Step(end=(2,))
    assert step(one, [*ready(0, 1), ending(2)]) == Step()
    assert step(one, ready(0, 1)) == Step(end=(1,))
    assert step(one, [starting(0), *ready(1, 2)]) == Step(), "a set that is not whole does not shrink"


def test_ordinals_begin_where_the_spec_says() -> None:
    moved = replace(THREE, replicas=2, start=5)
    assert step(moved, []) == Step(create=(5,))
    assert step(moved, ready(5)) == Step(create=(6,))
    assert step(moved, ready(5, 6)) == Step()
    assert step(moved, ready(0, 1, 5, 6)) == Step(end=(1,))


def test_a_pod_that_has_ended_makes_room_for_its_successor() -> None:
    assert step(THREE, [Member(0, "one", failed=True), *ready(1, 2)]) == Step(end=(0,))
    assert step(THREE, [Member(0, "one", failed=True, terminating=True), *ready(1, 2)]) == Step()


def test_an_update_goes_from_the_highest_ordinal_down_and_waits_for_each_pod() -> None:
    update = replace(THREE, update="two")
    assert step(update, ready(0, 1, 2)) == Step(end=(2,))
    assert step(update, [*ready(0, 1), ending(2)]) == Step()
    assert step(update, ready(0, 1)) == Step(create=(2,))
    assert update.revision_of(2) == "two"
    assert step(update, [*ready(0, 1), starting(2, "two")]) == Step()
    assert step(update, [*ready(0, 1), *ready(2, revision="two")]) == Step(end=(1,))


def test_the_partition_keeps_the_pods_below_it() -> None:
    update = replace(THREE, update="two", partition=2)
    assert step(update, ready(0, 1, 2)) == Step(end=(2,))
    assert step(update, [*ready(0, 1), *ready(2, revision="two")]) == Step()
    assert [update.revision_of(ordinal) for ordinal in update.ordinals] == ["one", "one", "two"]


def test_as_many_pods_are_updated_at_a_time_as_may_be_unavailable() -> None:
    update = replace(THREE, replicas=4, update="two", unavailable=2, parallel=True)
    assert step(update, ready(0, 1, 2, 3)) == Step(end=(3, 2))
    assert step(update, [*ready(0, 1, 2), starting(3, "two")]) == Step(end=(2,))
    assert step(update, [*ready(0, 1), starting(2, "two"), starting(3, "two")]) == Step()


def test_on_delete_updates_nothing_by_itself_and_replaces_with_the_new_revision() -> None:
    update = replace(THREE, update="two", on_delete=True)
    assert step(update, ready(0, 1, 2)) == Step()
    assert step(update, ready(0, 2)) == Step(create=(1,))
    assert update.revision_of(1) == "two"


def test_an_update_is_complete_when_every_pod_is_new_and_ready() -> None:
    update = replace(THREE, update="two")
    assert is_complete(update, ready(0, 1, 2, revision="two"))
    assert not is_complete(update, [*ready(0), *ready(1, 2, revision="two")])
    assert not is_complete(update, ready(0, 1, revision="two"))
    assert not is_complete(update, [*ready(0, 1, revision="two"), starting(2, "two")])


def test_what_the_spec_says_is_what_is_planned() -> None:
    assert plan_of({}, "", "one") == Plan(replicas=1, update="one")
    spec = {
        "replicas": 5,
        "ordinals": {"start": 3},
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": "30%"}},
    }
    expected = Plan(replicas=5, start=3, parallel=True, partition=2, unavailable=2, current="one", update="two")
    assert plan_of(spec, "one", "two") == expected
    assert plan_of({"updateStrategy": {"type": "OnDelete"}}, "one", "two").on_delete
