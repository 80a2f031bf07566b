"""A server in the loop of a test, which leaves no connection open when it stops."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType

# The turns of asyncio's loop from a connection's acceptance to its handler: a task that has the socket, its transport,
# its protocol, the handler's task; and one to spare.
ACCEPT_TURNS = 5

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
        await _stop_accepting(server.sockets)
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


async def _stop_accepting(listeners: Iterable[socket.socket]) -> None:
    """Lets asyncio's servers begin with the connections that they have accepted, and accept no more.

    When a server or its loop is closed between the acceptance of a connection and the creation of its transport,
    asyncio (of Python 3.11 and 3.12) forgets the socket and leaves it open.
    """
    loop = asyncio.get_running_loop()
    for listener in listeners:
        loop.remove_reader(listener.fileno())
    for _ in range(ACCEPT_TURNS):
        await asyncio.sleep(0)
