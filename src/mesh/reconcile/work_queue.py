"""Work by key: many events about one object cause one reconcile of it."""

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

# Seconds until a key whose work failed is tried again: the first pause, doubled up to the longest.
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0

log = logging.getLogger(__name__)


class WorkQueue(Generic[Key]):
    """Calls `work(key)` soon after `add(key)`: once, however often the key was added meanwhile.

    An error in the work of one key is logged with that key and tried again after a pause that grows; it concerns no
    other key. `before`, when given, is called ahead of each round with the keys that are due: the place to gather
    what the whole round looks at. When it fails, all keys of the round are tried again.

    The queue has no task that could die: it runs in callbacks of the event loop. Make it inside a running loop.
    """

    def __init__(self, work: Callable[[Key], None], *, before: Callable[[list[Key]], None] | None = None) -> None:
        self._work = work
        self._before = before
        self._loop = asyncio.get_running_loop()
        # A dict for its order: keys are worked on in the order in which they were added.
        self._due: dict[Key, None] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, tuple[int, str]] = {}
        self._scheduled: asyncio.Handle | None = None
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether nothing is due now; what waits for its time is not due."""
        return not self._due

    @property
    def failing(self) -> Mapping[Key, str]:
        """The keys whose last work failed, each with the error."""
        return {key: reason for key, (_, reason) in self._failures.items()}

    def problems(self) -> list[str]:
        """A line for each key that failed and is tried again, for a status."""
        return [f"{key} cannot be reconciled: {reason}" for key, reason in self.failing.items()]

    def add(self, key: Key) -> None:
        """Works on the key in the loop's next round."""
        if self._closed:
            return
        self._due[key] = None
        if self._scheduled is None:
            self._scheduled = self._loop.call_soon(self._run)

    def add_after(self, key: Key, seconds: float) -> None:
        """Adds the key later; an earlier time that is already set stays."""
        timer = self._timers.get(key)
        if self._closed or (timer is not None and timer.when() <= self._loop.time() + seconds):
            return
        if timer is not None:
            timer.cancel()
        self._timers[key] = self._loop.call_later(seconds, self._ring, key)

    def forget(self, key: Key) -> None:
        """The object is gone: nothing is due for it, and nothing will be tried again."""
        self._due.pop(key, None)
        self._failures.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Drops what is due and takes no more. Idempotent."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._due.clear()

    def _ring(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _run(self) -> None:
        self._scheduled = None
        due, self._due = list(self._due), {}
        if not due:
            return
        if self._before is not None:
            try:
                self._before(due)
            except Exception as error:
                log.exception("%s: the round could not be prepared", ", ".join(map(str, due)))
                for key in due:
                    self._retry(key, error)
                return
        for key in due:
            try:
                self._work(key)
            except Exception as error:
                pause = self._retry(key, error)
                log.exception("%s: trying again in %g s", key, pause)
            else:
                self._failures.pop(key, None)

    def _retry(self, key: Key, error: Exception) -> float:
        times = self._failures[key][0] + 1 if key in self._failures else 0
        self._failures[key] = (times, f"{type(error).__name__}: {error}")
        pause = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(times, 16))
        self.add_after(key, pause)
        return pause
