"""A server of the mall's kit within the test, and connections on which a test writes whatever bytes it likes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from mall.kit.answer import Answer, json_answer
from mall.kit.app import App, Handler
from mall.kit.log import RequestLog
from mall.kit.openapi import Operation
from mall.kit.request import Request
from mall.kit.server.connection import Bounds
from mall.kit.server.server import Server
from mall.kit.settings import Settings

GENEROUS = 60.0
Operations = Mapping[tuple[str, str], Handler]


async def echo(request: Request) -> Answer:
    """What the handler got."""
    names = sorted(name.decode() for name, _ in request.headers)
    return json_answer(
        {"method": request.method, "path": request.path, "body": request.body.decode("latin-1"), "headers": names}
    )


ECHO: Operations = {("GET", "/echo"): echo, ("POST", "/echo"): echo}


@dataclass
class Served:
    """A running server and its address."""

    server: Server
    host: str
    port: int
    lines: list[str] = field(default_factory=list)

    async def connect(self) -> "Wire":
        reader, writer = await asyncio.open_connection(self.host, self.port)
        return Wire(reader, writer)

    async def answers(self, *pieces: bytes) -> bytes:
        """Sends the pieces, ends the sending direction, and returns everything until the server closes."""
        wire = await self.connect()
        try:
            for piece in pieces:
                await wire.send(piece)
            wire.writer.write_eof()
            return await wire.rest()
        finally:
            await wire.close()


@dataclass
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers, body; `body` is False for an answer to HEAD."""
        async with asyncio.timeout(GENEROUS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            length = int(headers.get("content-length", "0")) if body else 0
            return int(first.split()[1]), headers, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        async with asyncio.timeout(GENEROUS):
            parts = []
            with suppress(ConnectionResetError):
                while part := await self.reader.read(65536):
                    parts.append(part)
            return b"".join(parts)

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def serving(
    operations: Operations = ECHO, bounds: Bounds | None = None, *, request_timeout: float = GENEROUS
) -> AsyncIterator[Served]:
    """A server on a free port, stopped at the end."""
    settings = Settings("echo", request_timeout=request_timeout)
    documented = {key: Operation(handler, "a test's") for key, handler in operations.items()}
    app = App(settings, documented, log=RequestLog("echo", "v1", descriptor=-1))
    server = Server(app, bounds or Bounds())
    host, _, port = (await server.listen("127.0.0.1", 0)).rpartition(":")
    try:
        yield Served(server, host, int(port))
    finally:
        await server.stop(0)
        app.log.flush()


def statuses(data: bytes) -> list[int]:
    """The status of each answer in what a connection received; bodies must not look like status lines."""
    return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]
