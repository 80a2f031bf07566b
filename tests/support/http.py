"""One HTTP/1.1 request on a connection of its own, and the whole answer."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

# Above what any answer takes on a busy machine, and below Envoy's own 15 s, after which it goes on without what it
# waits for.
DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def sent(self) -> dict[str, Any]:
        """What the backend says it was sent."""
        held: dict[str, Any] = json.loads(self.body)
        return held


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]] | None:
    """The first line and headers (lower case); None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.decode().rstrip().split("\r\n")
    pairs = (line.partition(":") for line in rest)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


async def ask(address: str, port: int, target: str = "/", method: str = "GET", **headers: str) -> Answer:
    """One request on a connection of its own. Header names may have `_` for `-`; `host` is needed by Envoy."""
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            named = {"host": "any", **{name.replace("_", "-"): value for name, value in headers.items()}}
            lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
            writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode())
            await writer.drain()
            head = await read_head(reader)
            if head is None:
                raise ConnectionResetError("no answer")
            length = head[1].get("content-length")
            # Envoy holds a connection for a second after an answer of its own; nobody waits for that.
            body = (await (reader.readexactly(int(length)) if length else reader.read())).decode()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return Answer(int(head[0].split(" ")[1]), head[1], body)


async def read_message(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], str]:
    """The first line, the headers (several of a name as one list) and the body."""
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip("\r\n").split("\r\n")
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    length = int(headers.get("content-length", 0))
    return first, headers, (await reader.readexactly(length)).decode() if length else ""
