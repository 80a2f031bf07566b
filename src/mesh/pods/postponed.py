"""Writes that must be made some time, and cannot be made while the disk is full."""

import asyncio
import logging
from collections.abc import Callable

from mesh.store import StoreError

RETRY_SECONDS = 0.5

_LOG = logging.getLogger(__name__)


class Postponed:
    """`write` is called for many changes at once, and again after a pause while it raises StoreError.

    Nothing else may ever change: without, a rollout would wait for a status for good that could not be written once.
    """

    def __init__(self, write: Callable[[], None], what: object) -> None:
        self._write = write
        self._what = what
        self._due: asyncio.Handle | None = None

    def soon(self) -> None:
        """Writes in the next round of the event loop, unless that is about to happen anyway."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_soon(self.now)

    def now(self) -> None:
        """Writes at once, or as soon as there is room."""
        self.cancel()
        try:
            self._write()
        except StoreError as error:
            _LOG.warning("%s is written later: %s", self._what, error)
            self._due = asyncio.get_running_loop().call_later(RETRY_SECONDS, self.now)

    def cancel(self) -> None:
        """Does not write any more. Idempotent."""
        if self._due is not None:
            self._due.cancel()
            self._due = None


async def insist(write: Callable[[], None], what: object, *, until: Callable[[], bool]) -> None:
    """Calls `write` again and again while it raises StoreError, and `until` is not true."""
    while not until():
        try:
            write()
        except StoreError as error:
            _LOG.warning("%s is removed later: %s", what, error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return
