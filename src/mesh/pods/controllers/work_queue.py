"""Work by key: many events about one object make one look at it."""

import asyncio
import logging
from collections.abc import Callable

from mesh.resources.values.ref import Ref

_LOG = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class WorkQueue:
    """Calls `work(ref)` soon after `add(ref)`, once for however many calls; again after an unexpected error."""

    def __init__(self, work: Callable[[Ref], None]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._due: dict[Ref, None] = {}
        self._timers: dict[Ref, asyncio.TimerHandle] = {}
        self._scheduled: asyncio.Handle | None = None
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether nothing is due now."""
        return not self._due

    def add(self, ref: Ref) -> None:
        if self._closed:
            return
        self._due[ref] = None
        if self._scheduled is None:
            self._scheduled = self._loop.call_soon(self._run)

    def add_after(self, ref: Ref, seconds: float) -> None:
        """Adds it later; an earlier time that was asked for is kept."""
        known = self._timers.get(ref)
        if self._closed or (known is not None and known.when() <= self._loop.time() + seconds):
            return
        if known is not None:
            known.cancel()
        self._timers[ref] = self._loop.call_later(seconds, self._ring, ref)

    def close(self) -> None:
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._due.clear()

    def _ring(self, ref: Ref) -> None:
        self._timers.pop(ref, None)
        self.add(ref)

    def _run(self) -> None:
        self._scheduled = None
        due, self._due = list(self._due), {}
        for ref in due:
            try:
                self._work(ref)
            except Exception:
                _LOG.exception("%s: tried again in %g s", ref, RETRY_SECONDS)
                self.add_after(ref, RETRY_SECONDS)
