"""The listening socket, the connections, and the graceful end of both."""

import asyncio

from mall.kit.app import App
from mall.kit.deadlines import Deadlines
from mall.kit.server.connection import Bounds, Connection
from mall.kit.server.writing import Writer

BACKLOG = 2048
LAST_ANSWERS_SECONDS = 0.5


class Server:
    """Serves an application on the running event loop."""

    def __init__(self, app: App, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - a constant
        self.app = app
        self.bounds = bounds
        self.loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self.loop)
        self.writer = Writer(f"mall-{app.settings.service}/{app.settings.version}")
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    async def listen(self, host: str, port: int) -> str:
        """Starts to listen; port 0 is any free one. Returns `host:port`. Raises OSError when the address is taken."""
        self._listener = await self.loop.create_server(lambda: Connection(self), host, port, backlog=BACKLOG)
        address = self._listener.sockets[0].getsockname()
        return f"{address[0]}:{address[1]}"

    def admit(self, connection: Connection) -> bool:
        """Whether a new connection is within the bounds. It is remembered in any case."""
        self._connections.add(connection)
        self._empty.clear()
        return len(self._connections) <= self.bounds.connections

    def forget(self, connection: Connection) -> None:
        """The connection is closed, and no handler runs for it."""
        self.deadlines.discard(connection)
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    async def stop(self, grace: float) -> None:
        """Stops listening, waits so many seconds for requests in progress, and ends what then still runs."""
        self.app.draining = True
        self._listener.close()
        for connection in list(self._connections):
            connection.drain()
        if not await self._emptied(grace):
            for connection in list(self._connections):
                connection.cancel()
            await self._emptied(LAST_ANSWERS_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        self.deadlines.close()

    async def _emptied(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True
