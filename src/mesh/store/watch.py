"""Watching: one bounded log of events, and readers that each have a place in it.

A reader has no queue of its own, so a slow one costs nothing: once the log has dropped events that it has not read, it
gets `Expired` and has to list again.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from mesh.store.errors import Expired
from mesh.store.objects import Event


def _version(event: Event) -> int:
    return event.version


class Log:
    """At least the last `limit` events, by growing version."""

    def __init__(self, limit: int, version: int) -> None:
        self._limit = limit
        self._events: list[Event] = []
        self._dropped = 0
        self._floor = version
        self._newest = version
        self._watches: set[Watch] = set()
        self._closed = False

    def append(self, events: Sequence[Event]) -> None:
        """Adds events and wakes the watches that wait for one of them."""
        self._events.extend(events)
        self._newest = events[-1].version
        # Rarely, and many at a time: deleting from the front of a list moves everything behind it.
        if len(self._events) > 2 * self._limit:
            surplus = len(self._events) - self._limit
            self._floor = self._events[surplus - 1].version
            del self._events[:surplus]
            self._dropped += surplus
        # A copy: a watch that is woken may close and leave the set.
        for watch in tuple(self._watches):
            watch.wake(events)

    def end(self) -> int:
        """The place after the last event."""
        return self._dropped + len(self._events)

    def place(self, since: int) -> int:
        """The place of the first event after version `since`. Raises Expired when it is not in the log."""
        if not self._floor <= since <= self._newest:
            raise Expired(since, self._floor, self._newest)
        return self._dropped + bisect_right(self._events, since, key=_version)

    def read(self, place: int) -> list[Event]:
        """The events from a place on. Raises Expired when they are not all in the log."""
        if place < self._dropped:
            raise Expired(0, self._floor, self._newest)
        return self._events[place - self._dropped :]

    def join(self, watch: "Watch") -> None:
        """Adds a watch, which ends at once when the log is closed already."""
        if self._closed:
            watch.close()
        else:
            self._watches.add(watch)

    def leave(self, watch: "Watch") -> None:
        self._watches.discard(watch)

    def close(self) -> None:
        """Ends all watches, and every later one."""
        self._closed = True
        for watch in tuple(self._watches):
            watch.close()


class Watch:
    """Yields events in order: `async for event in watch`, or many at a time with `batch()`.

    Ends (the loop finishes, `batch` returns nothing) when the watch or the store is closed. Raises Expired when the
    reader was too slow. For a single reader.
    """

    def __init__(
        self,
        log: Log,
        place: int,
        *,
        group: str | None,
        kind: str | None,
        namespace: str | None,
        first: Sequence[Event],
    ) -> None:
        self._log = log
        self._place = place
        self._group = group
        self._kind = kind
        self._namespace = namespace
        self._ready = list(first)
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        log.join(self)

    async def batch(self) -> list[Event]:
        """Waits for events and returns all that are available; an empty list when the watch is closed."""
        while not self._closed:
            ready = self._ready or self._fresh()
            self._ready = []
            if ready:
                return ready
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return []

    def take(self) -> list[Event]:
        """All events that are available, without waiting. Raises Expired as `batch` does."""
        ready, self._ready = [*self._ready, *self._fresh()], []
        return ready

    @property
    def closed(self) -> bool:
        """Whether the watch has ended."""
        return self._closed

    def wake(self, events: Sequence[Event]) -> None:
        """Called by the log when events were added."""
        waiter = self._waiter
        # Only readers that wait, and only for what concerns them: most watches follow one kind.
        if waiter is not None and not waiter.done() and any(self._wants(event) for event in events):
            waiter.set_result(None)

    def close(self) -> None:
        """Ends the watch, also for a reader that is waiting. Idempotent."""
        self._closed = True
        self._log.leave(self)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fresh(self) -> list[Event]:
        place, self._place = self._place, self._log.end()
        return [event for event in self._log.read(place) if self._wants(event)]

    def _wants(self, event: Event) -> bool:
        ref = event.object.ref
        return (
            (self._kind is None or ref.kind == self._kind)
            and (self._group is None or ref.group == self._group)
            and (self._namespace is None or ref.namespace == self._namespace)
        )

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._ready:
            self._ready = await self.batch()
        if not self._ready or self._closed:
            raise StopAsyncIteration
        return self._ready.pop(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
