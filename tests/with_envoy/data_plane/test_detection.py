"""A port that does not say what it speaks: HTTP by the rules, everything else as bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mesh.envoy.data_plane import DataPlane
from mesh.routing.model.cluster import Cluster, Endpoint
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.model.snapshot import Snapshot
from tests.support.data_plane import Place, row, table, to
from tests.support.http import ask
from tests.support.server import Server


@asynccontextmanager
async def greeting(address: str) -> AsyncIterator[Endpoint]:
    """A server that speaks first and then echoes one line, as MySQL or SMTP would."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.write(await reader.readline())
        await writer.drain()

    async with await Server.start(serve, address) as server:
        yield Endpoint(address, server.port)


async def test_http_is_routed_and_other_bytes_pass(
    plane: DataPlane, place: Place, backend: Callable[[str], Any]
) -> None:
    web, fork = await backend("web"), await backend("fork")
    address = place.address()
    door = Listener("door", Role.NODE_PORT, address, place.free_port(address), table="table", cluster="bytes")
    jason = Match(headers=(FieldMatch("cookie", Pattern(MatchKind.EXACT, "user=jason")),))
    async with greeting(place.address()) as first:
        names = {"web": (web.endpoint,), "fork": (fork.endpoint,), "bytes": (first,)}
        expected = Snapshot(
            1,
            {"door": door},
            {"table": table(row(to("fork"), jason), row(to("web")))},
            {name: Cluster(name, detected=True) for name in names},
            names,
        )
        assert not await plane.apply(expected)

        assert (await ask(address, door.port)).sent["who"] == "web"
        assert (await ask(address, door.port, cookie="user=jason")).sent["who"] == "fork"

        # Not HTTP from the first byte on, and a client that waits for the server to speak.
        for said in (b"\x00\x01binary\n", b""):
            reader, writer = await asyncio.open_connection(address, door.port)
            writer.write(said)
            assert await reader.readline() == b"hello\n"
            writer.write(b"" if said else b"late\n")
            assert await reader.readline() == (said or b"late\n")
            writer.close()
            await writer.wait_closed()
