"""A WebSocket on a connection that was taken over (RFC 6455); wsproto does the framing."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence

from wsproto import ConnectionType
from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from mesh.api.streaming.bytes_link import CHUNK
from mesh.api.transport.status_errors import Problem
from mesh.api.transport.upgrade import Connection, Upgrade

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LARGEST_MESSAGE = 4 << 20


def offered_protocols(headers: Mapping[str, str]) -> list[str]:
    """The subprotocols that a client offers, in its order."""
    text = headers.get("sec-websocket-protocol", "")
    return [name.strip() for name in text.split(",") if name.strip()]


def is_websocket(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for a WebSocket."""
    return headers.get("upgrade", "").lower() == "websocket"


def choose_protocol(headers: Mapping[str, str], supported: Sequence[str]) -> str:
    """The first of `supported` that the client offers, "" when it offers none at all. Raises Problem (400)."""
    offered = offered_protocols(headers)
    for name in supported:
        if name in offered:
            return name
    if offered:
        raise Problem(
            400, f"unable to upgrade: none of the subprotocols {', '.join(offered)} is {' or '.join(supported)}"
        )
    return ""


class WebSocket:
    """The server's end. Messages of both kinds are bytes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._frames = Frames(ConnectionType.SERVER)
        self._sending = asyncio.Lock()

    @classmethod
    def accept(cls, upgrade: Upgrade, headers: Mapping[str, str], protocol: str) -> "WebSocket":
        """Completes the handshake with a subprotocol ("" for none). Raises Problem (400, 426)."""
        key = headers.get("sec-websocket-key", "")
        if headers.get("sec-websocket-version", "") != "13" or not key:
            raise Problem(400, "unable to upgrade: a WebSocket needs Sec-WebSocket-Version 13 and a Sec-WebSocket-Key")
        accepted = base64.b64encode(hashlib.sha1((key + GUID).encode("latin-1"), usedforsecurity=False).digest())
        answer = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accepted.decode())]
        if protocol:
            answer.append(("Sec-WebSocket-Protocol", protocol))
        return cls(upgrade(answer))

    async def messages(self) -> AsyncIterator[bytes]:
        """Whole messages until either end closes; a message that is too large closes the connection."""
        parts = bytearray()
        while True:
            try:
                data = await self._connection.reader.read(CHUNK)
            except OSError:
                return
            if not data:
                return
            try:
                self._frames.receive_data(data)
            except LocalProtocolError:
                return
            for event in self._frames.events():
                match event:
                    case TextMessage() | BytesMessage():
                        parts += event.data.encode() if isinstance(event.data, str) else event.data
                        # Counted while it arrives: a client could send fragments without an end.
                        if len(parts) > LARGEST_MESSAGE:
                            await self.close(1009, f"a message is larger than {LARGEST_MESSAGE} bytes")
                            return
                        if event.message_finished:
                            yield bytes(parts)
                            parts.clear()
                    # Answered here: kubectl pings while a command is silent, and nobody else reads this connection.
                    case Ping():
                        await self._write(self._frames.send(event.response()))
                    case CloseConnection():
                        # Otherwise this is the answer to our own close, and the conversation is over.
                        if self._frames.state is ConnectionState.REMOTE_CLOSING:
                            await self._write(self._frames.send(event.response()))
                        return

    async def send(self, message: bytes) -> None:
        """Sends a binary message. Does nothing once the connection is closing. Raises OSError."""
        if self._frames.state is ConnectionState.OPEN:
            await self._write(self._frames.send(BytesMessage(data=message)))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes the connection, with a reason for the client. Never raises."""
        if self._frames.state is ConnectionState.OPEN:
            with contextlib.suppress(OSError):
                await self._write(self._frames.send(CloseConnection(code=code, reason=reason[:120])))
        await self._connection.close()

    async def _write(self, data: bytes) -> None:
        # Several outputs of one command write at once; a frame must not be split by another.
        async with self._sending:
            self._connection.writer.write(data)
            await self._connection.writer.drain()


class WebSocketLink:
    """A WebSocket whose messages are pieces of one stream of bytes, as when SPDY is tunnelled through it."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._messages = websocket.messages()

    async def read(self) -> bytes:
        async for message in self._messages:
            # An empty message would read as the end of the stream.
            if message:
                return message
        return b""

    async def write(self, data: bytes) -> None:
        await self._websocket.send(data)

    async def close(self) -> None:
        await self._websocket.close()
