"""port-forward: connections to ports inside a pod.

Three ways, as clients request it: SPDY/3.1 (`portforward.k8s.io`), the same tunnelled through a WebSocket
(`SPDY/3.1+portforward.k8s.io`), and two WebSocket channels a port (`v4.channel.k8s.io`).
"""

import asyncio
import base64
import binascii
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from mesh.api.streaming.backend import NotRunning, PodBytes
from mesh.api.streaming.bytes_link import BytesLink, PlainLink
from mesh.api.streaming.remote_command import spdy_answer, spdy_protocol
from mesh.api.streaming.spdy import SpdySession, SpdyStream
from mesh.api.streaming.websocket import WebSocket, WebSocketLink, choose_protocol, is_websocket
from mesh.api.transport.status_errors import Problem
from mesh.api.transport.upgrade import Upgrade

PROTOCOL = "portforward.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"
CHANNELS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")
# Seconds within which the second stream of a pair comes (Kubernetes: 30).
PAIR_WITHIN = 30.0
MOST_PORTS = 64

Connect = Callable[[int], Awaitable[PodBytes]]
"""Opens a connection to a port of the pod. Raises NotRunning."""


async def forward(upgrade: Upgrade, headers: Mapping[str, str], ports: Sequence[int], connect: Connect) -> None:
    """Serves the client until it goes. `ports` of the query are for WebSocket channels. Raises Problem (400)."""
    if is_websocket(headers):
        protocol = choose_protocol(headers, (TUNNEL, *CHANNELS))
        if protocol == TUNNEL:
            await _serve_spdy(WebSocketLink(WebSocket.accept(upgrade, headers, protocol)), connect)
        else:
            if not ports:
                raise Problem(400, "ports: missing; name at least one port, for example ?ports=80")
            await _serve_channels(WebSocket.accept(upgrade, headers, protocol), protocol, ports, connect)
    elif headers.get("upgrade", "").lower() == "spdy/3.1":
        protocol = spdy_protocol(headers, (PROTOCOL,))
        await _serve_spdy(PlainLink(upgrade(spdy_answer(protocol))), connect)
    else:
        raise Problem(400, "unable to upgrade: the request needs `Upgrade: websocket` or `Upgrade: SPDY/3.1`")


async def _serve_spdy(link: BytesLink, connect: Connect) -> None:
    """Each connection is a pair of streams with the same request id: one for data, one for what goes wrong."""
    session = SpdySession(link)
    reading = asyncio.create_task(session.run())
    halves: dict[str, dict[str, SpdyStream]] = {}
    pairs: set[asyncio.Task[None]] = set()
    try:
        while (stream := await session.next_stream()) is not None:
            request = stream.headers.get("requestid", str(stream.id))
            pair = halves.setdefault(request, {})
            pair[stream.headers.get("streamtype", "")] = stream
            if {"data", "error"} <= pair.keys():
                del halves[request]
                task = asyncio.create_task(_serve_pair(session, pair["data"], pair["error"], connect))
                pairs.add(task)
                task.add_done_callback(pairs.discard)
    finally:
        reading.cancel()
        for task in pairs:
            task.cancel()
        await asyncio.gather(reading, *pairs, return_exceptions=True)
        await session.close()


async def _serve_pair(session: SpdySession, data: SpdyStream, error: SpdyStream, connect: Connect) -> None:
    port = data.headers.get("port", "")
    try:
        try:
            pod = await connect(_port(port))
        except (NotRunning, ValueError) as problem:
            await error.write(f"an error occurred forwarding {port}: {problem}".encode())
            return
        try:
            await _join(data.read, data.write, data.close, pod)
        except OSError as problem:
            await error.write(f"an error occurred forwarding {port}: {problem}".encode())
        finally:
            await pod.close()
    except OSError:
        # The client has gone; its streams end with the connection.
        pass
    finally:
        for stream in (data, error):
            with suppress(OSError):
                await stream.close()
            session.forget(stream)


async def _join(
    read: Callable[[], Awaitable[bytes]],
    write: Callable[[bytes], Awaitable[None]],
    end: Callable[[], Awaitable[None]],
    pod: PodBytes,
) -> None:
    """Carries bytes both ways until both directions have ended, or the pod's has."""

    async def inwards() -> None:
        while data := await read():
            await pod.write(data)
        await pod.end_of_input()

    async def outwards() -> None:
        while data := await pod.read():
            await write(data)
        await end()

    tasks = [asyncio.create_task(inwards()), asyncio.create_task(outwards())]
    try:
        # A server that has closed wants nothing more; a client that has closed its half may still read.
        await tasks[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve_channels(websocket: WebSocket, protocol: str, ports: Sequence[int], connect: Connect) -> None:
    """Channel 2n carries the data of the n-th port, channel 2n+1 its errors; each begins with the port's number."""
    is_text = "base64" in protocol

    async def send(channel: int, data: bytes) -> None:
        if is_text:
            await websocket.send(str(channel).encode() + base64.b64encode(data))
        else:
            await websocket.send(bytes([channel]) + data)

    queues: dict[int, asyncio.Queue[bytes]] = {2 * index: asyncio.Queue(16) for index in range(len(ports))}
    tasks = []
    for index, port in enumerate(ports):
        for channel in (2 * index, 2 * index + 1):
            await send(channel, struct.pack("<H", port))
        tasks.append(asyncio.create_task(_serve_channel(2 * index, port, queues[2 * index], send, connect)))

    async def receive() -> None:
        async for message in websocket.messages():
            if not message:
                continue
            channel, data = message[0], message[1:]
            if is_text:
                channel -= ord("0")
                try:
                    data = base64.b64decode(data, validate=True)
                except binascii.Error:
                    return
            if channel in queues and data:
                await queues[channel].put(data)

    async def until_served() -> None:
        await asyncio.gather(*tasks, return_exceptions=True)

    receiving, served = asyncio.create_task(receive()), asyncio.create_task(until_served())
    try:
        # Each port is one connection; a client that wants another one opens another WebSocket.
        await asyncio.wait([receiving, served], return_when=asyncio.FIRST_COMPLETED)
    finally:
        receiving.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(receiving, served, return_exceptions=True)
        await websocket.close()


async def _serve_channel(
    channel: int,
    port: int,
    queue: "asyncio.Queue[bytes]",
    send: Callable[[int, bytes], Awaitable[None]],
    connect: Connect,
) -> None:
    async def end() -> None:
        """A channel cannot be closed; the error channel stays silent when all went well."""

    async def write(data: bytes) -> None:
        await send(channel, data)

    try:
        pod = await connect(port)
    except NotRunning as problem:
        await send(channel + 1, f"an error occurred forwarding {port}: {problem}".encode())
        return
    try:
        await _join(queue.get, write, end, pod)
    except OSError as problem:
        with suppress(OSError):
            await send(channel + 1, f"an error occurred forwarding {port}: {problem}".encode())
    finally:
        await pod.close()


def ports_of(values: Sequence[str]) -> list[int]:
    """The ports of a query: `ports=80&ports=81` or `ports=80,81`. Raises Problem (400)."""
    try:
        ports = [_port(text) for value in values for text in value.split(",") if text]
    except ValueError as error:
        raise Problem(400, f"ports: {error}") from None
    if len(ports) > MOST_PORTS:
        raise Problem(400, f"ports: {len(ports)} ports; at most {MOST_PORTS} are forwarded at once")
    return ports


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f'"{text[:20]}" is not a port (1 to 65535)')
    return int(text)
