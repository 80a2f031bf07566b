"""Clients without a token cannot lock the API out: not before TLS, not after it, and not by wrong tokens."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mesh.api.transport.accepting import user_at_the_other_end
from mesh.api.transport.arrivals import ArrivalBounds
from tests.support.api import Api

MANY = 300


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _port(api: Api) -> int:
    return int(api.url.rpartition(":")[2])


async def _answers(api: Api) -> None:
    for _ in range(3):
        async with asyncio.timeout(60):
            assert (await api.ask("GET", "/api/v1/namespaces")).code == 200


async def test_connections_that_say_nothing_lock_nobody_out(api: Api, sockets: ExitStack) -> None:
    assert ArrivalBounds().most < MANY
    for _ in range(MANY):
        sockets.enter_context(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", _port(api)), 30))
    await _answers(api)


async def test_connections_that_speak_tls_and_no_more_lock_nobody_out(api: Api) -> None:
    writers = []
    try:
        for _ in range(MANY):
            _, writer = await asyncio.open_connection("127.0.0.1", _port(api), ssl=api.tls)
            writers.append(writer)
        await _answers(api)
    finally:
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


async def test_an_authenticated_connection_stays_while_others_come_and_go(api: Api, sockets: ExitStack) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", _port(api), ssl=api.tls)
    request = f"GET /api/v1/namespaces?watch=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {api.token}\r\n\r\n"
    writer.write(request.encode())
    try:
        async with asyncio.timeout(60):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        for _ in range(MANY):
            sockets.enter_context(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", _port(api)), 30))
        await _answers(api)
        assert not reader.at_eof()
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def test_the_user_at_the_other_end_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert user_at_the_other_end(accepted) == os.geteuid()
