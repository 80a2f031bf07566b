"""A connection to a port inside a pod."""

import asyncio
from contextlib import suppress

CHUNK = 64 << 10


class PodConnection:
    """A pair of streams, however the socket was made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """The next bytes, empty at the end. Raises OSError."""
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        """Sends bytes; waits while they are not taken. Raises OSError."""
        self._writer.write(data)
        await self._writer.drain()

    async def end_of_input(self) -> None:
        """Nothing more will be written; reading goes on."""
        with suppress(OSError):
            self._writer.write_eof()

    async def close(self) -> None:
        """Closes both directions. Never raises. Idempotent."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
