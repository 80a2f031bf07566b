"""A connection's life: order, keeping and closing, clients that are slow or go away, and the end of the server."""

import asyncio

import pytest

from mall.kit.answer import Answer, json_answer
from mall.kit.request import Request
from mall.kit.server.connection import Bounds
from tests.support.kit_server import ECHO, GENEROUS, serving, statuses
from tests.support.waiting import eventually

GET = b"GET /echo HTTP/1.1\r\nHost: a\r\n"
SHORT = 0.05


async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    gates = {f"/{number}": asyncio.Event() for number in range(3)}

    async def gated(request: Request) -> Answer:
        await gates[request.path].wait()
        return json_answer(request.path)

    async with serving({("GET", path): gated for path in gates}) as served:
        wire = await served.connect()
        await wire.send(b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode() for path in gates))
        for path in reversed(gates):
            gates[path].set()
        assert [(await wire.answer())[2] for _ in gates] == [b'"/0"', b'"/1"', b'"/2"']
        await wire.close()


async def test_a_hundred_requests_in_one_piece_and_one_in_a_hundred_pieces() -> None:
    async with serving() as served:
        assert statuses(await served.answers((GET + b"\r\n") * 100)) == [200] * 100
        assert statuses(await served.answers(*(bytes([byte]) for byte in GET + b"\r\n"))) == [200]


@pytest.mark.parametrize(
    ("head", "announced", "kept"),
    [
        (GET, None, True),
        (GET + b"Connection: close\r\n", "close", False),
        (b"GET /echo HTTP/1.0\r\n", "close", False),
        (b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n", "keep-alive", True),
    ],
)
async def test_the_connection_is_kept_unless_somebody_asks_to_close_it(
    head: bytes, announced: str | None, kept: bool
) -> None:
    async with serving() as served:
        wire = await served.connect()
        await wire.send(head + b"\r\n")
        status, headers, _ = await wire.answer()
        assert (status, headers.get("connection")) == (200, announced)
        if kept:
            await wire.send(GET + b"\r\n")
            assert (await wire.answer())[0] == 200
        else:
            assert await wire.rest() == b""
        await wire.close()


async def test_head_has_the_length_of_get_and_no_body() -> None:
    async with serving() as served:
        wire = await served.connect()
        await wire.send(b"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        status, headers, _ = await wire.answer(body=False)
        assert status == 200
        assert int(headers["content-length"]) > 0
        await wire.send(GET + b"\r\n")
        assert (await wire.answer())[0] == 200
        await wire.close()


@pytest.mark.parametrize("rest", [b"\r\n", b"Host : a\r\n\r\n", b"Host: a\r\nTransfer-Encoding: gzip\r\n\r\n"])
async def test_a_head_that_is_refused_is_answered_without_a_body_and_is_the_last(rest: bytes) -> None:
    async with serving() as served:
        wire = await served.connect()
        await wire.send(b"HEAD /echo HTTP/1.1\r\n" + rest)
        status, headers, _ = await wire.answer(body=False)
        assert status in (400, 501)
        assert headers["connection"] == "close"
        assert await wire.rest() == b""
        await wire.close()


async def test_an_answer_without_content_has_no_length() -> None:
    async def empty(_: Request) -> Answer:
        return Answer(b"", 204)

    async with serving({("GET", "/echo"): empty}) as served:
        data = await served.answers(GET + b"\r\n")
    assert data == b"HTTP/1.1 204 No Content\r\nserver: mall-echo/v1\r\n\r\n"


async def test_the_client_is_told_to_continue_and_then_answered() -> None:
    async with serving() as served:
        wire = await served.connect()
        await wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert (await wire.answer())[0] == 100
        await wire.send(b"abc")
        status, _, body = await wire.answer()
        assert (status, b'"body":"abc"' in body) == (200, True)
        await wire.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", 404),
        (b"PUT /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", 405),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", 413),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", 414),
        (GET + b"X: " + b"a" * 70_000, 431),
        (b"nonsense\r\n\r\n", 400),
    ],
)
async def test_an_early_answer_arrives_although_the_client_goes_on_sending(head: bytes, status: int) -> None:
    async with serving(bounds=Bounds(lingering=GENEROUS)) as served:
        wire = await served.connect()
        await wire.send(head)
        # What is sent now must neither reset the connection before the answer is read nor be taken for a request.
        await wire.send(GET + b"\r\n" + b"x" * 100_000)
        got, headers, _ = await wire.answer()
        assert (got, headers["connection"]) == (status, "close")
        assert await wire.rest() == b""
        await wire.close()


async def test_a_body_that_is_not_wanted_does_not_become_the_next_request() -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    async with serving() as served:
        head = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(inner)
        data = await served.answers(head + inner + GET + b"\r\n")
    assert statuses(data) == [404, 200]


async def test_a_client_that_has_sent_everything_still_gets_its_answer() -> None:
    async def slow(_: Request) -> Answer:
        await asyncio.sleep(0.02)
        return json_answer("late")

    async with serving({("GET", "/echo"): slow}) as served:
        assert statuses(await served.answers((GET + b"\r\n") * 3)) == [200] * 3


async def test_a_handler_may_use_timeouts_groups_and_tasks() -> None:
    async def busy(_: Request) -> Answer:
        try:
            async with asyncio.timeout(SHORT):
                await asyncio.Event().wait()
        except TimeoutError:
            pass
        async with asyncio.TaskGroup() as group:
            first = group.create_task(asyncio.sleep(0, "a"))
            second = group.create_task(asyncio.to_thread(str, "b"))
        return json_answer([first.result(), second.result(), *await asyncio.gather(asyncio.sleep(0, "c"))])

    async with serving({("GET", "/echo"): busy}) as served:
        wire = await served.connect()
        await wire.send(GET + b"\r\n")
        assert (await wire.answer())[2] == b'["a","b","c"]'
        await wire.close()


async def test_a_handler_that_takes_too_long_is_ended_and_answered_for() -> None:
    ended = asyncio.Event()

    async def endless(_: Request) -> Answer:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with serving({("GET", "/echo"): endless}, request_timeout=SHORT) as served:
        wire = await served.connect()
        await wire.send(GET + b"\r\n")
        assert (await wire.answer())[0] == 504
        assert ended.is_set()
        await wire.close()


async def test_an_unexpected_error_is_500_and_the_connection_goes_on() -> None:
    async def broken(_: Request) -> Answer:
        raise ZeroDivisionError

    async with serving({("GET", "/broken"): broken, **ECHO}) as served:
        data = await served.answers(b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
    assert statuses(data) == [500, 200]


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async def hurry(_: Request) -> Answer:
        served.server.bounds = Bounds(idle=SHORT)
        return json_answer(1)

    async with serving({("GET", "/echo"): hurry}) as served:
        wire = await served.connect()
        await wire.send(GET + b"\r\n")
        assert (await wire.answer())[0] == 200
        assert await wire.rest() == b""
        await wire.close()
        silent = await served.connect()
        assert await silent.rest() == b""
        await silent.close()


@pytest.mark.parametrize("part", [b"GET /", GET, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nabc"])
async def test_a_request_that_is_never_complete_is_408_however_many_bytes_trickle_in(part: bytes) -> None:
    async with serving(bounds=Bounds(reading=SHORT)) as served:
        wire = await served.connect()
        await wire.send(part)

        async def trickle() -> None:
            while True:
                await asyncio.sleep(SHORT / 5)
                await wire.send(b"a")

        trickling = asyncio.create_task(trickle())
        assert (await wire.answer())[0] == 408
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)
        await wire.close()


async def test_a_client_that_does_not_read_is_bounded_and_cut_off() -> None:
    made = 0

    async def large(_: Request) -> Answer:
        nonlocal made
        made += 1
        return Answer(b"x" * 1_000_000)

    async with serving({("GET", "/echo"): large}, Bounds(writing=SHORT)) as served:
        wire = await served.connect()
        await wire.send((GET + b"\r\n") * 60)
        await eventually(lambda: not served.server._connections)
        assert made < 30
        await wire.close()


async def test_a_client_that_reads_slowly_gets_everything() -> None:
    async def large(_: Request) -> Answer:
        return Answer(b"x" * 300_000)

    async with serving({("GET", "/echo"): large}) as served:
        wire = await served.connect()
        await wire.send((GET + b"\r\n") * 20)
        for _ in range(20):
            await asyncio.sleep(0)
            assert len((await wire.answer())[2]) == 300_000
        await wire.close()


async def test_one_connection_too_many_gets_503_and_the_next_one_an_answer() -> None:
    async with serving(bounds=Bounds(connections=1, lingering=GENEROUS)) as served:
        first = await served.connect()
        await first.send(GET + b"\r\n")
        assert (await first.answer())[0] == 200
        second = await served.connect()
        await second.send(GET + b"\r\n")
        status, headers, _ = await second.answer()
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        await second.close()
        await first.close()
        await eventually(lambda: not served.server._connections)
        third = await served.connect()
        await third.send(GET + b"\r\n")
        assert (await third.answer())[0] == 200
        await third.close()


async def test_a_handler_finishes_although_its_client_has_gone() -> None:
    gate, finished = asyncio.Event(), asyncio.Event()

    async def gated(_: Request) -> Answer:
        await gate.wait()
        finished.set()
        return json_answer(1)

    async with serving({("GET", "/echo"): gated}) as served:
        wire = await served.connect()
        await wire.send(GET + b"\r\n")
        await eventually(lambda: any(connection._running for connection in served.server._connections))
        wire.writer.transport.abort()
        await wire.close()
        gate.set()
        await eventually(finished.is_set)
        await eventually(lambda: not served.server._connections)


async def test_the_server_ends_gracefully() -> None:
    gate = asyncio.Event()

    async def gated(_: Request) -> Answer:
        await gate.wait()
        return json_answer("done")

    async with serving({("GET", "/gated"): gated, **ECHO}) as served:
        idle, busy, half = await served.connect(), await served.connect(), await served.connect()
        await busy.send(b"GET /gated HTTP/1.1\r\nHost: a\r\n\r\n")
        await half.send(b"GET /echo HTTP/1.1\r\n")
        await eventually(lambda: any(connection._running for connection in served.server._connections))
        await eventually(lambda: any(connection._reader.partial for connection in served.server._connections))
        stopping = asyncio.create_task(served.server.stop(GENEROUS))
        assert await idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await served.connect()
        await half.send(b"Host: a\r\n\r\n")
        assert (await half.answer())[1]["connection"] == "close"
        gate.set()
        status, headers, body = await busy.answer()
        assert (status, headers["connection"], body) == (200, "close", b'"done"')
        for wire in (idle, busy, half):
            await wire.close()
        await stopping


async def test_what_is_not_done_at_the_end_of_the_grace_is_answered_with_504() -> None:
    async def endless(_: Request) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving({("GET", "/echo"): endless}) as served:
        wire = await served.connect()
        await wire.send(GET + b"\r\n")
        await eventually(lambda: any(connection._running for connection in served.server._connections))
        await served.server.stop(0)
        assert (await wire.answer())[0] == 504
        await wire.close()
