"""Calls to a server that answers whatever a test writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from mall.kit.client.client import Client, Upstream
from mall.kit.problem import Problem
from mall.kit.settings import SettingError, Settings
from tests.support.waiting import eventually

NUMBERS = msgspec.json.Decoder(list[int])
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]"
GENEROUS = 60.0
Reply = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


class Service:
    """Counts connections and keeps the heads of requests; `reply` answers one and says whether to go on."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.connections = 0
        self.heads: list[bytes] = []
        self.url = ""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if not await self.reply(head, reader, writer):
                    break
        writer.close()


def always(*pieces: bytes, keep: bool = True) -> Reply:
    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return keep

    return reply


@asynccontextmanager
async def calling(
    reply: Reply, limit: float = GENEROUS, *, url: str = "", proxied: bool = False, no_proxy: str = ""
) -> AsyncIterator[tuple[Service, Upstream]]:
    """A service and the client's view of it."""
    service = Service(reply)
    server = await asyncio.start_server(service.converse, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    service.url = f"http://127.0.0.1:{address[1]}"
    client = Client(
        Settings(
            "test",
            call_timeout=limit,
            environ={"NUMBERS_URL": url or service.url},
            proxy=service.url if proxied else None,
            no_proxy=no_proxy,
        )
    )
    try:
        yield service, client.upstream("numbers")
    finally:
        await client.close()
        server.close()
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def test_calls_one_after_the_other_use_one_connection_and_calls_at_once_one_each() -> None:
    async with calling(always(OK)) as (service, numbers):
        for _ in range(5):
            assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert service.connections == 1
        calls = [numbers.get("/n", b"", NUMBERS) for _ in range(4)]
        assert [await call for call in calls] == [[1]] * 4
        assert service.connections == 4


async def test_what_is_sent() -> None:
    async with calling(always(OK)) as (service, numbers):
        await numbers.get("/n?ids=1,2", b"cookie: user=fox\r\nx-branch: fox\r\n", NUMBERS)
        host = service.url.removeprefix("http://").encode()
        assert service.heads == [
            b"GET /n?ids=1,2 HTTP/1.1\r\nhost: " + host + b"\r\nuser-agent: mall-test/v1\r\naccept: */*\r\n"
            b"cookie: user=fox\r\nx-branch: fox\r\n\r\n"
        ]


async def test_a_body_is_sent_with_its_length() -> None:
    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        assert b"content-type: application/json\r\ncontent-length: 2\r\n" in head
        assert await reader.readexactly(2) == b"{}"
        writer.write(OK)
        return True

    async with calling(reply) as (_, numbers):
        assert await numbers.post("/n", b"", b"{}", NUMBERS) == [1]


async def test_through_the_proxy_the_whole_url_is_asked_for_unless_no_proxy_says_otherwise() -> None:
    async with calling(always(OK), url="http://numbers:7000", proxied=True) as (service, numbers):
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert service.heads[0].startswith(b"GET http://numbers:7000/n HTTP/1.1\r\nhost: numbers:7000\r\n")
    async with calling(always(OK), proxied=True, no_proxy="localhost,127.0.0.0/8") as (service, numbers):
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert service.heads[0].startswith(b"GET /n HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "pieces",
    [
        [OK],
        [OK[:1], OK[1:20], OK[20:-1], OK[-1:]],
        [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
        [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n[\r\n2;x=y\r\n1]\r\n0\r\n\r\n"],
    ],
)
async def test_an_answer_may_come_in_any_valid_form(pieces: list[bytes]) -> None:
    async with calling(always(*pieces)) as (service, numbers):
        assert [await numbers.get("/n", b"", NUMBERS) for _ in range(2)] == [[1]] * 2
        assert service.connections == 1


async def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    async with calling(always(b"HTTP/1.1 200 OK\r\n\r\n[1", b"]", keep=False)) as (service, numbers):
        assert [await numbers.get("/n", b"", NUMBERS) for _ in range(2)] == [[1]] * 2
        assert service.connections == 2


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 16\r\n\r\n" + b'{"detail": "it"}',
            404,
            "numbers answered 404: it",
        ),
        (b"HTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\n\xff\xff", 400, "numbers answered 400"),
        (b"HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n", 503, "numbers answered 503"),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", 502, "numbers answered 500"),
        (b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", 502, "numbers answered 302"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 502, "numbers broke its contract"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 502, "numbers broke its contract"),
        (b"SSH-2.0-OpenSSH\r\n", 502, "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n[1]", 502, "not valid HTTP"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", 502, "not valid HTTP"),
        (OK + OK, 502, "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n" + b" " * 1_200_000, 502, "too large"),
    ],
)
async def test_a_failure_names_the_service(answer: bytes, status: int, detail: str) -> None:
    async with calling(always(answer)) as (_, numbers):
        with pytest.raises(Problem, match=detail) as raised:
            await numbers.get("/n", b"", NUMBERS)
        assert (raised.value.status, raised.value.upstream) == (status, "numbers")


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n["])
async def test_a_connection_that_ends_early_is_502(part: bytes) -> None:
    async with calling(always(part, keep=False)) as (service, numbers):
        with pytest.raises(Problem) as raised:
            await numbers.get("/n", b"", NUMBERS)
        assert raised.value.status == 502
        assert len(service.heads) == 1


async def test_a_call_over_a_kept_connection_that_was_being_closed_is_repeated_once_unless_it_changes_something() -> (
    None
):
    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        # The second request on a connection is not answered.
        if service.heads.count(head) % 2 == 0 or head.startswith(b"POST"):
            return False
        writer.write(OK)
        return True

    async with calling(reply) as (service, numbers):
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert service.connections == 2
        with pytest.raises(Problem) as raised:
            await numbers.post("/n", b"", b"{}", NUMBERS)
        assert raised.value.status == 502
        assert sum(head.startswith(b"POST") for head in service.heads) == 1


@pytest.mark.parametrize(
    ("method", "broken", "requests", "status"),
    [("GET", 1, 2, 200), ("GET", 9, 2, 503), ("POST", 9, 1, 503)],
)
async def test_a_call_whose_service_broke_behind_the_proxy_is_repeated_once_unless_it_changes_something(
    method: str, broken: int, requests: int, status: int
) -> None:
    said = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"

    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if len(service.heads) <= broken:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said))
        else:
            writer.write(OK)
        return True

    async with calling(reply) as (service, numbers):
        call = numbers.get("/n", b"", NUMBERS) if method == "GET" else numbers.post("/n", b"", b"", NUMBERS)
        if status == 200:
            assert await call == [1]
        else:
            with pytest.raises(Problem) as raised:
                await call
            assert raised.value.status == status
        assert len(service.heads) == requests


async def test_a_503_of_the_service_itself_is_not_repeated() -> None:
    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 18\r\n\r\nfault filter abort")
        return True

    async with calling(reply) as (service, numbers):
        with pytest.raises(Problem):
            await numbers.get("/n", b"", NUMBERS)
        assert len(service.heads) == 1


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(OK)
        await writer.drain()
        if service.connections == 1:
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[9]")
            unasked.set()
        return True

    unasked = asyncio.Event()
    async with calling(reply) as (service, numbers):
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        await unasked.wait()
        await eventually(lambda: not numbers._pool._idle)
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert service.connections == 2


async def test_a_call_that_is_late_is_504_and_its_connection_is_not_used_again() -> None:
    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if len(service.heads) > 1:
            writer.write(OK)
        return True

    async with calling(reply, 0.2) as (service, numbers):
        with pytest.raises(Problem) as raised:
            await numbers.get("/n", b"", NUMBERS)
        assert raised.value.status == 504
        numbers._pool._timeout = GENEROUS
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert service.connections == 2


async def test_a_cancelled_call_gives_its_connection_up() -> None:
    async def reply(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if len(service.heads) > 1:
            writer.write(OK)
        else:
            asked.set()
        return True

    asked = asyncio.Event()
    async with calling(reply) as (service, numbers):

        async def call() -> list[int]:
            return await numbers.get("/n", b"", NUMBERS)

        task = asyncio.create_task(call())
        await asked.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await numbers.get("/n", b"", NUMBERS) == [1]
        assert service.connections == 2


async def test_calls_beyond_the_connections_wait_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mall.kit.client.pool.MOST_CONNECTIONS", 2)
    async with calling(always(OK)) as (service, numbers):
        calls = [numbers.get("/n", b"", NUMBERS) for _ in range(50)]
        assert [await call for call in calls] == [[1]] * 50
        assert service.connections == 2


async def test_waiting_calls_get_new_connections_when_others_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mall.kit.client.pool.MOST_CONNECTIONS", 2)
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\n[1]"
    async with calling(always(closing, keep=False)) as (service, numbers):
        calls = [numbers.get("/n", b"", NUMBERS) for _ in range(10)]
        assert [await call for call in calls] == [[1]] * 10
        assert service.connections == 10


async def test_a_call_that_nobody_awaits_does_no_harm() -> None:
    async with calling(always(b"nonsense\r\n")) as (_, numbers):
        numbers.get("/n", b"", NUMBERS)
        with pytest.raises(Problem):
            await numbers.get("/n", b"", NUMBERS)


@pytest.mark.parametrize("target", ["n", "/a b", "/a\r\nx: y", "/\u00e9", ""])
async def test_a_target_that_would_change_the_request_is_refused(target: str) -> None:
    async with calling(always(OK)) as (service, numbers):
        with pytest.raises(ValueError, match="percent-encoded"):
            numbers.get(target, b"", NUMBERS)
        assert service.connections == 0


@pytest.mark.parametrize(
    "url", ["numbers:7000", "https://numbers", "http://", "http://u:p@numbers", "http://n:x", "http://ü"]
)
async def test_an_address_that_cannot_be_called_is_a_wrong_setting(url: str) -> None:
    client = Client(Settings("test", environ={"NUMBERS_URL": url}))
    with pytest.raises(SettingError, match=r"NUMBERS_URL: .* is not a URL such as http://products:7000"):
        client.upstream("numbers")
    await client.close()
