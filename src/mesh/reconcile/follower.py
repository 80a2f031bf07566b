"""Following the store: list what is there, watch what changes, list again after changes were missed."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from mesh.reconcile.backoff import Backoff
from mesh.store import Event, Expired, Store, Watch

# Seconds: the first and the longest wait before objects are listed again because a change could not be handled, and
# how long no change may fail before the waits start over.
FIRST_RETRY, LONGEST_RETRY, RESET = 1.0, 30.0, 60.0

log = logging.getLogger(__name__)


class Changes(NamedTuple):
    """What changed, in order. With `relist` the reader must look at all objects: it has seen none, or missed some."""

    events: Sequence[Event] = ()
    relist: bool = False


class Follower:
    """One reader of a store's changes, of all kinds or of one. Close it when it is no longer used."""

    def __init__(self, store: Store, *, group: str | None = None, kind: str | None = None) -> None:
        self._store = store
        self._group = group
        self._kind = kind
        self._watch: Watch | None = None
        self._stale = False

    async def next(self) -> Changes | None:
        """Waits for changes; returns None once the store is closed.

        The first answer asks for a list without waiting. The watch is open by then, so whatever changes after the
        caller's list comes as an event; a change between the two is seen twice, which does no harm to a reader that
        looks at objects as they are. May be cancelled (by a timeout) without losing a change.
        """
        if self._watch is None:
            return self._reopened()
        try:
            events = await self._watch.batch()
        except Expired:
            return self._reopened()
        if self._stale:
            return self._reopened()
        return Changes(events) if events else None

    def take(self) -> Changes:
        """The changes so far, without waiting."""
        if self._watch is None or self._stale:
            return self._reopened()
        try:
            return Changes(self._watch.take())
        except Expired:
            return self._reopened()

    def relist(self) -> None:
        """Makes the next answer ask for a list, also for a reader that is waiting."""
        if self._watch is not None:
            self._stale = True
            self._watch.close()

    def close(self) -> None:
        """Ends the watch. Idempotent."""
        if self._watch is not None:
            self._watch.close()

    def _reopened(self) -> Changes:
        self.close()
        self._stale = False
        self._watch = self._store.watch(self._group, self._kind)
        return Changes(relist=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def follow(store: Store, *, relist: Callable[[], None], take: Callable[[Event], None]) -> None:
    """Calls `relist` first and whenever changes were missed, and `take` with every change, until the store is closed.

    A change that `take` fails on is logged with the object's name, and everything is listed again a while later: the
    list repairs whatever that change would have done. An error in `relist` is raised: the caller's supervisor starts
    the loop again.
    """
    loop = asyncio.get_running_loop()
    backoff = Backoff(FIRST_RETRY, LONGEST_RETRY, RESET)
    last_failure = loop.time()
    retry: asyncio.TimerHandle | None = None
    with Follower(store) as follower:
        try:
            while (changes := await follower.next()) is not None:
                if changes.relist:
                    relist()
                for event in changes.events:
                    try:
                        take(event)
                    except Exception:
                        log.exception("%s (%s) could not be handled; listing all objects again", *_describe(event))
                        # One list repairs all failures before it.
                        if retry is None or retry.when() <= loop.time():
                            pause = max(FIRST_RETRY, backoff.after(loop.time() - last_failure))
                            retry, last_failure = loop.call_later(pause, follower.relist), loop.time()
        finally:
            if retry is not None:
                retry.cancel()


def _describe(event: Event) -> tuple[str, str]:
    return str(event.object.ref), event.type
