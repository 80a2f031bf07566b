"""exec and attach: a command's streams over WebSocket channels or SPDY streams.

Follows Kubernetes' remote command protocols: `v5.channel.k8s.io` (channels that can be closed), `v4.channel.k8s.io`
(the exit code as a Status on the error channel), `channel.k8s.io` and the two with base64 text, over a WebSocket; `v4`
to `v1` over SPDY/3.1.
"""

import asyncio
import base64
import binascii
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mesh.api.streaming.backend import RunningCommand
from mesh.api.streaming.bytes_link import PlainLink
from mesh.api.streaming.spdy import SpdySession, SpdyStream
from mesh.api.streaming.websocket import WebSocket, choose_protocol
from mesh.api.transport.status_errors import Problem
from mesh.api.transport.upgrade import Upgrade

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
NAMES = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}
# A message on this channel closes the channel that its second byte names (v5).
CLOSE = 255
WEBSOCKET_PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
SPDY_PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
# Seconds within which a client opens the streams that it announced (Kubernetes: 30).
STREAMS_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which of the command's streams the client wants."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @property
    def channels(self) -> frozenset[int]:
        """The channels that the client opens over SPDY."""
        pairs = ((STDIN, self.stdin), (STDOUT, self.stdout), (STDERR, self.stderr and not self.tty))
        return frozenset({channel for channel, is_open in pairs if is_open} | {ERROR})


class Client(ABC):
    """The client's end: channels by number."""

    @abstractmethod
    def received(self) -> AsyncIterator[tuple[int, bytes]]:
        """What the client sends on stdin and resize; an empty chunk of stdin is its end."""

    @abstractmethod
    async def send(self, channel: int, data: bytes) -> None:
        """Sends bytes on a channel. Raises OSError when the client has gone."""

    @abstractmethod
    async def finish(self, status: Mapping[str, Any]) -> None:
        """Sends how the command ended, and closes."""

    @abstractmethod
    async def close(self) -> None:
        """Closes without a word. Never raises."""


class WebSocketClient(Client):
    """Each message begins with the number of its channel: a byte, or a digit before base64 text."""

    def __init__(self, websocket: WebSocket, protocol: str) -> None:
        self._websocket = websocket
        self._is_text = "base64" in protocol
        self._with_status = protocol.startswith(("v4", "v5"))

    async def greet(self, wishes: Wishes) -> None:
        """An empty message on the first channel that is written to: clients wait for it."""
        first = STDOUT if wishes.stdout else STDERR if wishes.stderr else ERROR
        await self.send(first, b"")

    async def received(self) -> AsyncIterator[tuple[int, bytes]]:
        async for message in self._websocket.messages():
            if not message:
                continue
            channel, data = message[0], message[1:]
            if self._is_text:
                channel -= ord("0")
                try:
                    data = base64.b64decode(data, validate=True)
                except binascii.Error:
                    return
            if channel == CLOSE:
                if data == bytes([STDIN]):
                    yield STDIN, b""
            elif channel != STDIN or data:
                # An empty message on stdin is a client's way to see whether the connection lives.
                yield channel, data

    async def send(self, channel: int, data: bytes) -> None:
        if self._is_text:
            await self._websocket.send(str(channel).encode() + base64.b64encode(data))
        else:
            await self._websocket.send(bytes([channel]) + data)

    async def finish(self, status: Mapping[str, Any]) -> None:
        if self._with_status:
            await self.send(ERROR, json.dumps(status).encode())
        elif status["status"] != "Success":
            await self.send(ERROR, str(status["message"]).encode())
        await self._websocket.close()

    async def close(self) -> None:
        await self._websocket.close()


class SpdyClient(Client):
    """One SPDY stream a channel."""

    def __init__(self, session: SpdySession, running: "asyncio.Task[None]", protocol: str) -> None:
        self._session = session
        self._running = running
        self._protocol = protocol
        self._streams: dict[int, SpdyStream] = {}

    async def open(self, channels: frozenset[int]) -> None:
        """Waits until the client has opened its streams. Raises TimeoutError, OSError when it has gone."""
        async with asyncio.timeout(STREAMS_WITHIN):
            while not channels <= self._streams.keys():
                stream = await self._session.next_stream()
                if stream is None:
                    raise ConnectionResetError("the client closed the connection before it opened its streams")
                channel = NAMES.get(stream.headers.get("streamtype", ""))
                if channel is not None:
                    self._streams[channel] = stream

    async def received(self) -> AsyncIterator[tuple[int, bytes]]:
        queue: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(1)
        readers = [asyncio.create_task(self._read(channel, queue)) for channel in (STDIN, RESIZE)]
        ended = asyncio.create_task(self._until_gone(queue))
        try:
            while (item := await queue.get()) is not None:
                yield item
        finally:
            for task in (*readers, ended):
                task.cancel()
            await asyncio.gather(*readers, ended, return_exceptions=True)

    async def send(self, channel: int, data: bytes) -> None:
        stream = self._streams.get(channel)
        if stream is not None:
            await stream.write(data)

    async def finish(self, status: Mapping[str, Any]) -> None:
        if self._protocol == "v4.channel.k8s.io":
            await self.send(ERROR, json.dumps(status).encode())
        elif status["status"] != "Success":
            await self.send(ERROR, str(status["message"]).encode())
        for stream in self._streams.values():
            await stream.close()
        # The client closes the connection once it has read all streams to their ends.
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._running), 2.0)
        await self.close()

    async def close(self) -> None:
        await self._session.close()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _read(self, channel: int, queue: "asyncio.Queue[tuple[int, bytes] | None]") -> None:
        while True:
            stream = self._streams.get(channel)
            if stream is None:
                # The stream for sizes is opened after the others, and by few clients.
                stream = await self._late(channel)
            data = await stream.read()
            await queue.put((channel, data))
            if not data:
                return

    async def _late(self, channel: int) -> SpdyStream:
        while channel not in self._streams:
            if channel != RESIZE or (stream := await self._session.next_stream()) is None:
                await asyncio.Event().wait()
            elif (number := NAMES.get(stream.headers.get("streamtype", ""))) is not None:
                self._streams[number] = stream
        return self._streams[channel]

    async def _until_gone(self, queue: "asyncio.Queue[tuple[int, bytes] | None]") -> None:
        await asyncio.wait([self._running])
        await queue.put(None)


async def accept(upgrade: Upgrade, headers: Mapping[str, str], wishes: Wishes) -> Client:
    """Takes over the connection in the protocol that the client asks for. Raises Problem (400)."""
    kind = headers.get("upgrade", "").lower()
    if kind == "websocket":
        protocol = choose_protocol(headers, WEBSOCKET_PROTOCOLS)
        websocket = WebSocketClient(WebSocket.accept(upgrade, headers, protocol), protocol)
        await websocket.greet(wishes)
        return websocket
    if kind == "spdy/3.1":
        protocol = spdy_protocol(headers, SPDY_PROTOCOLS)
        session = SpdySession(PlainLink(upgrade(spdy_answer(protocol))))
        spdy = SpdyClient(session, asyncio.create_task(session.run()), protocol)
        try:
            await spdy.open(wishes.channels)
        except BaseException:
            await spdy.close()
            raise
        return spdy
    raise Problem(400, "unable to upgrade: the request needs `Upgrade: websocket` or `Upgrade: SPDY/3.1`")


def spdy_protocol(headers: Mapping[str, str], supported: tuple[str, ...]) -> str:
    """The protocol of the streams: the first of `supported` that the client offers. Raises Problem (403)."""
    offered = [name.strip() for name in headers.get("x-stream-protocol-version", "").split(",") if name.strip()]
    for name in supported:
        if name in offered:
            return name
    if not offered:
        return supported[-1]
    # Kubernetes' code for it.
    raise Problem(403, f"unable to negotiate a protocol: client supports {offered}, server accepts {list(supported)}")


def spdy_answer(protocol: str) -> list[tuple[str, str]]:
    """The headers of the answer 101."""
    return [("Upgrade", "SPDY/3.1"), ("Connection", "Upgrade"), ("X-Stream-Protocol-Version", protocol)]


async def converse(client: Client, command: RunningCommand, wishes: Wishes) -> None:
    """Carries the streams between client and command until the command ends or the client goes."""
    outputs = [asyncio.create_task(_copy(command.stdout(), client, STDOUT if wishes.stdout else None))]
    outputs.append(asyncio.create_task(_copy(command.stderr(), client, STDERR if wishes.stderr else None)))
    inputs = asyncio.create_task(_take_input(client, command))
    end = asyncio.create_task(_until_ended(command, outputs))
    try:
        await asyncio.wait([inputs, end], return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            with suppress(OSError):
                await client.finish(exit_status(end.result()))
    finally:
        for task in (inputs, end, *outputs):
            task.cancel()
        await asyncio.gather(inputs, end, *outputs, return_exceptions=True)
        await command.close()
        await client.close()


async def _until_ended(command: RunningCommand, outputs: list["asyncio.Task[None]"]) -> int:
    """Everything that it wrote is sent before the client hears of the end."""
    code = await command.wait()
    await asyncio.gather(*outputs, return_exceptions=True)
    return code


async def _copy(pieces: AsyncIterator[bytes], client: Client, channel: int | None) -> None:
    async for piece in pieces:
        if channel is not None and piece:
            await client.send(channel, piece)


async def _take_input(client: Client, command: RunningCommand) -> None:
    """Returns when the client has gone."""
    async for channel, data in client.received():
        if channel == STDIN:
            await (command.write(data) if data else command.close_stdin())
        elif channel == RESIZE:
            with suppress(ValueError, KeyError, TypeError):
                size = json.loads(data)
                command.resize(int(size["Width"]), int(size["Height"]))


def exit_status(code: int) -> dict[str, Any]:
    """How a command ended, as Kubernetes' Status (reason NonZeroExitCode, the code among its causes)."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
