"""Deadlines, on a clock that the test moves."""

from collections.abc import Callable
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mall.kit.deadlines import Deadlines


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """As much of an event loop as deadlines need."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None], Handle]] = []
        self.fired = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:
        handle = Handle()
        self.timers.append((when, callback, handle))
        return handle

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            due = [timer for timer in self.timers if not timer[2].cancelled and timer[0] <= until]
            if not due:
                break
            timer = min(due, key=lambda timer: timer[0])
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            self.fired += 1
            timer[1]()
        self.now = until


class Item:
    def __init__(self, clock: Clock) -> None:
        self.deadline = inf
        self.clock = clock
        self.expired: list[float] = []

    def expire(self) -> None:
        self.expired.append(self.clock.now)


def setting() -> tuple[Clock, Deadlines, Any]:
    clock = Clock()
    return clock, Deadlines(clock), lambda: Item(clock)  # type: ignore[arg-type]


def test_each_expires_at_its_time() -> None:
    clock, deadlines, item = setting()
    late, early, gone = item(), item(), item()
    deadlines.set(late, 5)
    deadlines.set(early, 2)
    deadlines.set(gone, 3)
    deadlines.discard(gone)
    clock.advance(10)
    assert (early.expired, late.expired, gone.expired) == ([2], [5], [])


def test_deadlines_that_are_moved_again_and_again_cost_one_timer_now_and_then() -> None:
    clock, deadlines, item = setting()
    one = item()
    for _ in range(1000):
        deadlines.set(one, 5)
        clock.advance(0.01)
    assert not one.expired
    assert clock.fired <= 3


def test_what_expires_may_set_deadlines() -> None:
    clock, deadlines, item = setting()
    one = item()

    def expire() -> None:
        one.expired.append(clock.now)
        deadlines.set(one, 1)

    one.expire = expire
    deadlines.set(one, 1)
    clock.advance(3.5)
    assert one.expired == [1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20) | st.none(), st.integers(0, 9)), max_size=40))
def test_whatever_is_set_and_discarded_the_last_word_counts(steps: list[tuple[int, int | None, int]]) -> None:
    clock, deadlines, item = setting()
    items = [item() for _ in range(5)]
    expected: list[list[float]] = [[] for _ in items]
    open_: dict[int, float] = {}
    for number, seconds, pause in steps:
        if seconds is None:
            deadlines.discard(items[number])
            open_.pop(number, None)
        else:
            deadlines.set(items[number], seconds)
            open_[number] = clock.now + seconds
        clock.advance(pause)
        for other, when in list(open_.items()):
            if when <= clock.now:
                expected[other].append(when)
                del open_[other]
    assert [one.expired for one in items] == expected
