"""The tests' own helpers, where a mistake would be blamed on something else."""

import asyncio
import gc
import socket
import warnings
from typing import Any

import pytest

from tests.support.server import Server


async def waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def stop_as_a_connection_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops a server in the turn of the loop in which asyncio has accepted, and not begun with what it accepted."""
    loop: Any = asyncio.get_running_loop()
    accepted = loop.create_future()
    begin = loop._accept_connection2

    def accept(*arguments: Any, **options: Any) -> Any:
        accepted.set_result(None)
        return begin(*arguments, **options)

    monkeypatch.setattr(loop, "_accept_connection2", accept)
    server = await Server.start(waiting, "127.0.0.1")
    with socket.create_connection(("127.0.0.1", server.port)):
        await accepted
        await server.stop()


def test_a_connection_that_comes_as_the_server_stops_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(stop_as_a_connection_comes(monkeypatch))
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
