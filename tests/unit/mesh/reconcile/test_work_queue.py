"""Work by key: once for many events, again after an error, and nobody else's work is lost by it."""

import asyncio
from collections.abc import Callable

import pytest

from mesh.reconcile import work_queue
from mesh.reconcile.work_queue import WorkQueue
from mesh.resources.values.ref import Ref


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0)


async def test_a_key_added_many_times_is_worked_on_once_in_the_order_of_arrival() -> None:
    worked: list[str] = []
    queue = WorkQueue(worked.append)
    for key in ("b", "a", "b", "b"):
        queue.add(key)
    assert not queue.idle
    await until(lambda: queue.idle)
    assert worked == ["b", "a"]


async def test_an_error_names_the_key_and_leaves_the_others_their_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(work_queue, "FIRST_RETRY", 0.001)
    worked: list[Ref] = []
    bad, good = Ref("", "Service", "mesh", "bad"), Ref("", "Service", "mesh", "good")

    def work(key: Ref) -> None:
        worked.append(key)
        if key == bad and worked.count(key) < 3:
            raise KeyError("spec")

    queue = WorkQueue(work)
    queue.add(bad)
    queue.add(good)
    await until(lambda: queue.idle)
    assert worked == [bad, good]
    assert queue.failing == {bad: "KeyError: 'spec'"}
    await until(lambda: not queue.failing)
    assert worked.count(bad) == 3
    assert worked.count(good) == 1
    assert "Service mesh/bad: trying again in 0.001 s" in caplog.text
    assert "Service mesh/bad: trying again in 0.002 s" in caplog.text


async def test_a_round_that_cannot_be_prepared_is_tried_again_with_all_its_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work_queue, "FIRST_RETRY", 0.001)
    rounds: list[list[str]] = []
    worked: list[str] = []

    def before(keys: list[str]) -> None:
        rounds.append(keys)
        if len(rounds) == 1:
            raise RuntimeError("not yet")

    queue = WorkQueue(worked.append, before=before)
    queue.add("fox")
    queue.add("owl")
    await until(lambda: len(worked) == 2)
    assert rounds[0] == ["fox", "owl"]
    assert sorted(worked) == ["fox", "owl"]


async def test_the_earlier_of_two_times_counts_and_a_forgotten_key_has_none() -> None:
    worked: list[str] = []
    queue = WorkQueue(worked.append)
    queue.add_after("a", 60.0)
    queue.add_after("a", 0.001)
    queue.add_after("a", 60.0)
    queue.add_after("b", 0.0)
    queue.add("b")
    queue.forget("b")
    await until(lambda: bool(worked))
    await until(lambda: queue.idle)
    assert worked == ["a"]
    queue.close()
    queue.add("c")
    assert queue.idle
