"""Bytes in both directions: what SPDY runs over, be it a plain connection or messages of a WebSocket."""

from typing import Protocol

from mesh.api.transport.upgrade import Connection

CHUNK = 64 << 10


class BytesLink(Protocol):
    """A connection that carries bytes."""

    async def read(self) -> bytes:
        """The next bytes, empty at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Sends bytes; waits while the peer does not take them. Raises OSError when it has gone."""
        ...

    async def close(self) -> None: ...


class PlainLink:
    """A connection as it is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self) -> bytes:
        try:
            return await self._connection.reader.read(CHUNK)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        self._connection.writer.write(data)
        await self._connection.writer.drain()

    async def close(self) -> None:
        await self._connection.close()
