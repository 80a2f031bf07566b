"""A request's connection, taken over from HTTP: `101 Switching Protocols`, then bytes both ways.

Kubernetes' exec, attach and port-forward begin as a request with `Upgrade: websocket` or `Upgrade: SPDY/3.1`. The
request goes through the same guard and the same look-ups as any other, so that what is wrong is answered with a
Status; only then is the connection taken from the HTTP server.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# In the scope of a request: how the connection is taken over.
UPGRADE = "meshmall.upgrade"

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Connection:
    """Bytes in both directions, after the HTTP server has let go."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def close(self) -> None:
        """Closes the connection and waits until it is. Never raises."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (OSError, asyncio.CancelledError):
            # The peer was faster, or the server is stopping: either way the connection is closed.
            self.writer.transport.abort()


Upgrade = Callable[[Sequence[Header]], Connection]


def take_over(
    transport: asyncio.Transport, received: bytes, headers: Sequence[Header], loop: asyncio.AbstractEventLoop
) -> Connection:
    """Answers 101 with `headers` and gives the connection to a pair of streams.

    `received` are bytes that the client sent after its request and that the HTTP parser has already read.
    """
    lines = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in headers), "", ""]
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if received:
        reader.feed_data(received)
    transport.write("\r\n".join(lines).encode("latin-1"))
    # The parser stopped reading behind a request that proposes an upgrade.
    transport.resume_reading()
    return Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


def upgrading(app: Any, upgrade: Upgrade) -> Any:
    """The application, with a way to take over this connection in each request's scope."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, UPGRADE: upgrade}, receive, send)

    return call
