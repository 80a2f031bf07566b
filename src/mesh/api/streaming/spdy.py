"""SPDY/3.1 as Kubernetes' clients speak it: streams that the client opens, headers on each, bytes both ways.

Follows SPDY protocol draft 3. Like the clients' own library, it has no flow control beyond the connection's: window
updates are read and ignored, and a stream whose data nobody takes holds up the whole connection.
"""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from mesh.api.streaming.bytes_link import BytesLink
from mesh.api.streaming.spdy_headers import LARGEST_BLOCK, HeaderError, HeaderReader, HeaderWriter

CONTROL = 0x8000_0000
VERSION = 3
LARGEST_FRAME = 1 << 20
MOST_STREAMS = 1_000
# Chunks of one stream that wait to be taken before nothing more is read from the connection.
WAITING_CHUNKS = 16


class Type(IntEnum):
    """Types of control frames."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class Flags(IntFlag):
    """Flags of frames."""

    NONE = 0
    FIN = 1


class SpdyError(ValueError):
    """The peer does not speak SPDY/3.1 as the draft says."""


@dataclass(eq=False, slots=True)
class SpdyStream:
    """One stream that the client has opened. `headers` have lower-case names."""

    id: int
    headers: dict[str, str]
    _send: Callable[[int, Flags, bytes], Awaitable[None]]
    _chunks: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(WAITING_CHUNKS))
    _ended: bool = False
    _closed: bool = False

    async def read(self) -> bytes:
        """The next bytes from the client, empty at the end and ever after."""
        if self._ended:
            return b""
        chunk = await self._chunks.get()
        self._ended = not chunk
        return chunk

    async def write(self, data: bytes) -> None:
        """Sends bytes to the client; nothing after `close`. Raises OSError when the connection has gone."""
        if data and not self._closed:
            await self._send(self.id, Flags.NONE, data)

    async def close(self) -> None:
        """Ends this direction. Idempotent."""
        if not self._closed:
            self._closed = True
            await self._send(self.id, Flags.FIN, b"")

    async def received(self, data: bytes, *, last: bool) -> None:
        """Takes in what the connection read for this stream; waits while nobody reads it."""
        if data:
            await self._chunks.put(data)
        if last:
            await self._chunks.put(b"")


class SpdySession:
    """The server's end of one connection. `streams` yields the streams as the client opens them."""

    def __init__(self, link: BytesLink) -> None:
        self._link = link
        self._buffer = bytearray()
        self._streams: dict[int, SpdyStream] = {}
        self._opened: asyncio.Queue[SpdyStream | None] = asyncio.Queue()
        self._header_reader, self._header_writer = HeaderReader(), HeaderWriter()
        self._sending = asyncio.Lock()

    async def next_stream(self) -> SpdyStream | None:
        """The next stream that the client opens, None when the connection has ended."""
        stream = await self._opened.get()
        if stream is None:
            self._opened.put_nowait(None)
        return stream

    async def run(self) -> None:
        """Reads frames until the connection ends; then every stream ends, too. Never raises for what the peer does."""
        try:
            while (frame := await self._frame()) is not None:
                await self._take(*frame)
        except (SpdyError, HeaderError, OSError, struct.error):
            # A peer that breaks the protocol is disconnected; there is nobody left to tell.
            pass
        finally:
            for stream in self._streams.values():
                await _end_abruptly(stream)
            self._opened.put_nowait(None)

    async def close(self) -> None:
        """Says goodbye and closes the connection."""
        with contextlib.suppress(OSError):
            await self._send_control(Type.GOAWAY, struct.pack("!II", max(self._streams, default=0), 0))
        await self._link.close()

    async def _frame(self) -> tuple[int, int, bytes] | None:
        """First word, flags and payload of the next frame; None at the end."""
        if not await self._fill(8):
            return None
        first, second = struct.unpack_from("!II", self._buffer)
        flags, length = second >> 24, second & 0xFF_FFFF
        if length > LARGEST_FRAME:
            raise SpdyError(f"a frame of {length} bytes; the largest is {LARGEST_FRAME}")
        if not await self._fill(8 + length):
            return None
        payload = bytes(self._buffer[8 : 8 + length])
        del self._buffer[: 8 + length]
        return first, flags, payload

    async def _fill(self, size: int) -> bool:
        while len(self._buffer) < size:
            data = await self._link.read()
            if not data:
                return False
            self._buffer += data
        return True

    async def _take(self, first: int, flags: int, payload: bytes) -> None:
        if not first & CONTROL:
            stream = self._streams.get(first)
            if stream is not None:
                await stream.received(payload, last=bool(flags & Flags.FIN))
            return
        if (first >> 16) & 0x7FFF != VERSION:
            raise SpdyError(f"version {(first >> 16) & 0x7FFF}; this is SPDY/{VERSION}")
        match first & 0xFFFF:
            case Type.SYN_STREAM:
                await self._open(payload, last=bool(flags & Flags.FIN))
            case Type.RST_STREAM:
                number, _status = struct.unpack_from("!II", payload)
                if (stream := self._streams.pop(number, None)) is not None:
                    await _end_abruptly(stream)
            case Type.PING:
                # The answer is the same frame; ids of pings that a client sends are odd.
                await self._send_control(Type.PING, payload[:4])
            case Type.HEADERS:
                # Read all the same: the blocks of one direction are one zlib stream.
                self._header_reader.read(payload[4:])
            case _:
                # SETTINGS, GOAWAY, WINDOW_UPDATE and what later versions add ask nothing of this end.
                pass

    async def _open(self, payload: bytes, *, last: bool) -> None:
        number, _associated, _priority, _slot = struct.unpack_from("!IIBB", payload)
        if len(payload) > LARGEST_BLOCK:
            raise SpdyError("a stream's headers are too large")
        headers = self._header_reader.read(payload[10:])
        if number == 0 or number % 2 == 0 or number in self._streams or len(self._streams) >= MOST_STREAMS:
            raise SpdyError(f"stream {number} cannot be opened")
        stream = self._streams[number] = SpdyStream(number, headers, self._send_data)
        await self._send_control(Type.SYN_REPLY, struct.pack("!I", number) + self._header_writer.write({}))
        if last:
            await stream.received(b"", last=True)
        self._opened.put_nowait(stream)

    async def _send_control(self, kind: Type, payload: bytes) -> None:
        head = struct.pack("!II", CONTROL | VERSION << 16 | kind, len(payload))
        async with self._sending:
            await self._link.write(head + payload)

    async def _send_data(self, number: int, flags: Flags, data: bytes) -> None:
        async with self._sending:
            await self._link.write(struct.pack("!II", number, flags << 24 | len(data)) + data)

    def forget(self, stream: SpdyStream) -> None:
        """Both directions of a stream have ended: its number may go."""
        self._streams.pop(stream.id, None)


async def _end_abruptly(stream: SpdyStream) -> None:
    """Ends what the stream's reader waits for, even when its queue is full."""
    queue = stream._chunks
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(b"")
