"""A server in the loop of a test, which leaves no connection open when it stops."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType

from mesh.api.transport.serving import stop_accepting

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Runs `handler` for each connection and closes the connection after it, also when it fails or is cancelled."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, handler: Handler, address: str, port: int = 0, tls: ssl.SSLContext | None = None) -> "Server":
        """Listens at an address; port 0 takes any free one."""
        server = cls(handler)
        server._server = await asyncio.start_server(server._serve, address, port, ssl=tls)
        return server

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stops listening and ends every connection. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        await stop_accepting(server.sockets)
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ssl.SSLError):
                await self._handler(reader, writer)
        except asyncio.CancelledError:
            # `stop` has cancelled it; a peer that reads slowly must not keep the test waiting.
            writer.transport.abort()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
