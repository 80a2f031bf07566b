"""A pool whose connections open when the test says so."""

import asyncio
from typing import Any

import msgspec
import pytest

from mall.kit.client.call import Call
from mall.kit.client.connection import Connection
from mall.kit.client.pool import Pool
from mall.kit.deadlines import Deadlines
from mall.kit.problem import Problem

NUMBERS = msgspec.json.Decoder(list[int])
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]"


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True


class Opening:
    """Stands for the loop's `create_connection`: `opened[n]` decides what becomes of the n-th connection."""

    def __init__(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pool = pool
        self.attempts: list[asyncio.Future[None]] = []
        self.connections: list[tuple[Transport, Connection]] = []

        async def create_connection(factory: Any, host: str, port: int) -> tuple[Transport, Connection]:
            attempt: asyncio.Future[None] = pool.loop.create_future()
            self.attempts.append(attempt)
            await attempt
            transport, connection = Transport(), factory()
            connection.connection_made(transport)
            self.connections.append((transport, connection))
            return transport, connection

        monkeypatch.setattr(pool.loop, "create_connection", create_connection)

    def call(self, name: str) -> Call[list[int]]:
        call = Call(self.pool, "numbers", name.encode(), NUMBERS, repeatable=True)
        self.pool.send(call)
        return call

    @property
    def written(self) -> list[list[bytes]]:
        return [transport.written for transport, _ in self.connections]


@pytest.fixture
async def opening(monkeypatch: pytest.MonkeyPatch) -> Opening:
    return Opening(Pool("numbers", 7000, Deadlines(asyncio.get_running_loop()), 60), monkeypatch)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_call_made_just_when_a_connection_has_opened_gets_one_too(opening: Opening) -> None:
    opening.call("a")
    opening.call("b")
    await settle()
    opening.attempts[0].set_result(None)
    # Runs right after the task that has opened the connection, and before anybody else sees that it has ended.
    asyncio.get_running_loop().call_soon(opening.call, "c")
    await settle()
    assert len(opening.attempts) == 3
    for attempt in opening.attempts[1:]:
        attempt.set_result(None)
    await settle()
    assert opening.written == [[b"a"], [b"b"], [b"c"]]
    opening.pool.close()


async def test_a_connection_that_becomes_free_serves_the_call_that_waits_longest(opening: Opening) -> None:
    first = opening.call("a")
    await settle()
    opening.attempts[0].set_result(None)
    await settle()
    opening.call("b")
    opening.call("c")
    opening.connections[0][1].data_received(OK)
    assert first.result() == [1]
    assert opening.written == [[b"a", b"b"]]
    await settle()
    opening.attempts[1].set_result(None)
    await settle()
    assert opening.written == [[b"a", b"b"], [b"c"]]
    opening.pool.close()


async def test_a_connection_that_cannot_be_opened_fails_one_call_and_not_the_others(opening: Opening) -> None:
    calls = [opening.call(name) for name in "abc"]
    await settle()
    opening.attempts[1].set_exception(ConnectionRefusedError())
    await settle()
    opening.attempts[0].set_result(None)
    opening.attempts[2].set_exception(TimeoutError())
    await settle()
    assert opening.written == [[b"b"]]
    for call, status in ((calls[0], 502), (calls[2], 504)):
        with pytest.raises(Problem) as raised:
            call.result()
        assert raised.value.status == status
    assert not calls[1].resolved
    opening.pool.close()


async def test_a_call_withdrawn_while_it_waits_leaves_its_connection_to_others(opening: Opening) -> None:
    call = opening.call("a")
    await settle()
    call.cancel()
    opening.attempts[0].set_result(None)
    await settle()
    assert opening.written == [[]]
    opening.call("b")
    assert opening.written == [[b"b"]]
    opening.pool.close()
