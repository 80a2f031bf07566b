"""Deadlines of many connections and calls with one timer.

A timer for each request would be made and cancelled thousands of times a second and almost never fire. Here a deadline
is a number on the object; the one timer is set to the earliest that was known when it was set, and whatever has been
answered by then has either left or moved its deadline.
"""

import asyncio
from math import inf
from typing import Protocol


class Expiring(Protocol):
    """Has a `deadline`, in seconds of the loop's clock, which only `Deadlines` sets."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed. It is no longer watched."""


class Deadlines:
    """The deadlines of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: set[Expiring] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._next = inf

    def set(self, item: Expiring, seconds: float) -> None:
        """The item expires in so many seconds, unless that is changed before."""
        item.deadline = deadline = self._loop.time() + seconds
        self._items.add(item)
        # Moving a deadline into the future, the usual case, leaves the timer alone: it then fires once for nothing.
        if deadline < self._next:
            self._arm(deadline)

    def discard(self, item: Expiring) -> None:
        """The item does not expire."""
        self._items.discard(item)

    def close(self) -> None:
        """Forgets everything."""
        self._items.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = deadline
        self._timer = self._loop.call_at(deadline, self._sweep)

    def _sweep(self) -> None:
        now = self._loop.time()
        self._timer, self._next = None, inf
        expired = [item for item in self._items if item.deadline <= now]
        self._items.difference_update(expired)
        if self._items:
            self._arm(min(item.deadline for item in self._items))
        for item in expired:
            item.expire()
