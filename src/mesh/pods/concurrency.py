"""Waiting for the first of several things, and ending tasks."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable

_LOG = logging.getLogger(__name__)


async def first_completed(*awaitables: Awaitable[object], limit: float) -> None:
    """Returns when one of several has completed, at the latest after `limit` seconds; cancels the others."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels tasks, except the one that asks, and waits until they have ended. Logs the error of one that failed."""
    others = [task for task in tasks if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    for error in await asyncio.gather(*others, return_exceptions=True):
        if error is not None and not isinstance(error, asyncio.CancelledError):
            _LOG.error("a task had failed", exc_info=error)


class Bell:
    """Wakes everyone who waits for the next change."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()
