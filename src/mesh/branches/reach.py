"""Whether the processes that developers run answer: one connection now and then to each address."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from mesh.resources.checks.branch import url_address

CONNECT_LIMIT = 1.0
EVERY = 1.0
MOST_AT_ONCE = 32


async def answers(address: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        async with asyncio.timeout(CONNECT_LIMIT):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError, ConnectionError):
        await writer.wait_closed()
    return True


class Reach:
    """Watches addresses; tells `changed` the URL whose answer turned."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._state: dict[str, bool] = {}
        self._task: asyncio.Task[None] | None = None
        self._limit = asyncio.Semaphore(MOST_AT_ONCE)

    def up(self, url: str) -> bool:
        """What is known now; of an address that was not looked at yet, that it does not answer."""
        return self._state.get(url, False)

    def follow(self, urls: frozenset[str]) -> None:
        """From now on these are watched, and no others."""
        self._state = {url: self._state.get(url, False) for url in urls}
        if urls and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        self._state.clear()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while self._state:
            await asyncio.gather(*(self._look(url) for url in tuple(self._state)))
            await asyncio.sleep(EVERY)

    async def _look(self, url: str) -> None:
        async with self._limit:
            now = await answers(*url_address(url))
        if url in self._state and self._state[url] != now:
            self._state[url] = now
            self._changed(url)
