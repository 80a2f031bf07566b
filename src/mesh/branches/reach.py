"""Whether the processes that developers run answer: one connection a second to each address."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from mesh.reconcile.supervisor import Supervisor
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
    """Checks addresses over and over; calls `changed` with a URL when it starts or stops answering."""

    LOOP = "branch-addresses"

    def __init__(self, changed: Callable[[str], None], supervisor: Supervisor) -> None:
        self._changed = changed
        self._supervisor = supervisor
        self._state: dict[str, bool] = {}
        self._is_running = False
        self._limit = asyncio.Semaphore(MOST_AT_ONCE)

    def up(self, url: str) -> bool:
        """Whether it answered when it was last checked; False for an address that has not been checked yet."""
        return self._state.get(url, False)

    def follow(self, urls: frozenset[str]) -> None:
        """From now on checks these addresses, and no others."""
        self._state = {url: self._state.get(url, False) for url in urls}
        # Most meshes have no such branch: the loop starts with the first.
        if urls and not self._is_running:
            self._is_running = True
            self._supervisor.start(self.LOOP, self._check_all)

    async def stop(self) -> None:
        """Idempotent."""
        self._state.clear()
        self._is_running = False
        await self._supervisor.stop(self.LOOP)

    async def _check_all(self) -> None:
        while True:
            await asyncio.gather(*(self._check(url) for url in tuple(self._state)))
            await asyncio.sleep(EVERY)

    async def _check(self, url: str) -> None:
        async with self._limit:
            now = await answers(*url_address(url))
        # It may not be followed any more by the time it answers.
        if url in self._state and self._state[url] != now:
            self._state[url] = now
            self._changed(url)
