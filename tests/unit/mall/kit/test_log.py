"""The log: lines as their reader gets them, and a reader that is slow or gone."""

import json
import os
from collections.abc import Iterator

import pytest

from mall.kit.log import LARGEST_BATCH, LARGEST_BUFFER, RequestLog

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)
    yield reader, writer
    for descriptor in (reader, writer):
        os.close(descriptor)


def received(reader: int) -> bytes:
    data = b""
    try:
        while part := os.read(reader, 1 << 16):
            data += part
    except BlockingIOError:
        pass
    return data


def lines(reader: int) -> list[dict[str, object]]:
    return [json.loads(line) for line in received(reader).splitlines()]


async def test_lines_are_written_when_flushed_in_their_order(pipe: Pipe) -> None:
    log = RequestLog("sales", "v7", pipe[1])
    log.request("GET", "/sales", 200, 0.0012345, [(b"x-request-id", b"a"), (b"baggage", b"k=v, branch=fox;x=1")])
    log.event("info", "something", more=1)
    log.request("POST", "/\u00e9", 503, 2, [(b"x-branch", b"jason;p=1"), (b"baggage", b"branch=fox")])
    assert lines(pipe[0]) == []
    log.flush()
    first, event, last = lines(pipe[0])
    assert {name: value for name, value in first.items() if name != "time"} == {
        "level": "info", "service": "sales", "version": "v7", "method": "GET", "path": "/sales", "status": 200,
        "ms": 1.234, "request_id": "a", "branch": "fox",
    }  # fmt: skip
    assert (event["message"], event["more"]) == ("something", 1)
    assert (last["level"], last["path"], last["branch"], last["request_id"]) == ("error", "/\u00e9", "jason", "")
    assert str(first["time"]) <= str(event["time"]) <= str(last["time"])


async def test_a_slow_reader_loses_lines_and_learns_how_many(pipe: Pipe) -> None:
    log = RequestLog("sales", "v1", pipe[1])
    count = 0
    while not log._dropped:
        for _ in range(LARGEST_BATCH):
            log.request("GET", "/sales", 200, 0, [])
            count += 1
        log.flush()
        assert len(log._buffer) < 3 * LARGEST_BUFFER
    data = b""
    while log._buffer or log._dropped:
        data += received(pipe[0])
        log.flush()
    data += received(pipe[0])
    parsed = [json.loads(line) for line in data.splitlines()]
    dropped = [line["dropped"] for line in parsed if "dropped" in line]
    assert sum(dropped) + len(parsed) - len(dropped) == count


async def test_a_reader_that_has_gone_is_no_trouble(pipe: Pipe) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = RequestLog("sales", "v1", writer)
    log.request("GET", "/sales", 200, 0, [])
    log.flush()
    os.close(writer)
    assert not log._buffer
