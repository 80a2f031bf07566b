"""The server as a whole, on whatever bytes a client sends."""

import asyncio
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httptools
from hypothesis import given
from hypothesis import strategies as st

from mall.kit.app import App
from mall.kit.log import RequestLog
from mall.kit.openapi import Operation
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.server.connection import Connection
from mall.kit.server.reading import Reader
from mall.kit.server.server import Server
from mall.kit.server.writing import CONTINUE
from mall.kit.settings import Settings
from tests.support.kit_server import ECHO
from tests.support.raw_requests import streams


class Transport(asyncio.Transport):
    """A client that reads everything; `closed` when the server has ended its direction."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed, "written after the end"
        self.data += bytes(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Answers:
    """The statuses of the answers in some bytes; `100 Continue` does not count."""

    def __init__(self, data: bytes, heads: list[bool]) -> None:
        self.statuses: list[int] = []
        self.ended = 0
        self._heads = heads
        self._parser = httptools.HttpResponseParser(self)
        for part in re.split(rb"(?=HTTP/1\.1 \d{3} )", data)[1:]:
            if not part.startswith(CONTINUE):
                self._parser = httptools.HttpResponseParser(self)
                self._parser.feed_data(part)
                self.ended += self._heads[len(self.statuses) - 1]
                assert self.ended == len(self.statuses)

    def on_headers_complete(self) -> None:
        self.statuses.append(self._parser.get_status_code())

    def on_message_complete(self) -> None:
        self.ended += 1


async def outside_of_tasks(function: Callable[[], None]) -> None:
    """Calls it as the event loop calls protocols: while no task is in the middle of a step."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def call() -> None:
        try:
            function()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    asyncio.get_running_loop().call_soon(call)
    await done


async def test_each_request_that_was_read_gets_one_answer_and_a_refusal_is_the_last() -> None:
    documented = {key: Operation(handler, "a test's") for key, handler in ECHO.items()}
    app = App(Settings("echo"), documented, log=RequestLog("echo", "v1", descriptor=-1))
    server = Server(app)

    def expected(item: Request | Problem) -> int:
        if isinstance(item, Problem):
            return item.status
        problem = app.refusal(item)
        return problem.status if problem else 200

    @given(streams(), st.lists(st.integers(0, 400), max_size=4))
    def check(data: bytes, cuts: list[int]) -> None:
        reader = Reader(app.settings.max_body, app.refusal)
        reader.feed(data)
        items = list(reader.ready)
        transport = Transport()
        connection = Connection(server)
        connection.connection_made(transport)
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for begin, end in pairwise(edges):
            connection.data_received(data[begin:end])
        refused = connection._reader.refuses_head  # where it stopped depends on how the bytes were cut
        heads = [item.method == "HEAD" if isinstance(item, Request) else refused for item in items]
        assert Answers(transport.data, heads).statuses == [expected(item) for item in items]
        assert transport.closed == reader.over
        connection.connection_lost(None)

    await outside_of_tasks(check)
    app.log.flush()
    server.deadlines.close()
