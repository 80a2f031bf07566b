"""Reading requests: what two programs could read differently is refused, and how the bytes are cut is irrelevant."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.server.reading import LARGEST_HEAD, LONGEST_TARGET, MOST_HEADERS, MOST_WAITING, Reader
from tests.support.raw_requests import AMBIGUOUS, GET, POST, SMUGGLED, streams

MAX_BODY = 1000


def read(*pieces: bytes) -> tuple[list[Request | Problem], Reader]:
    reader = Reader(MAX_BODY, lambda request: Problem(404, "no") if request.path == "/nowhere" else None)
    for piece in pieces:
        reader.feed(piece)
    return list(reader.ready), reader


def outcome(items: Sequence[Request | Problem]) -> list[object]:
    """What two readings must have in common."""
    return [
        item.status if isinstance(item, Problem) else (item.method, item.path, item.query, item.headers, item.body)
        for item in items
    ]


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(data: bytes) -> None:
    items, reader = read(data + SMUGGLED)
    assert len(items) == 1
    assert isinstance(items[0], Problem)
    assert items[0].status in (400, 501, 505)
    assert reader.over


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_it_is_refused_byte_by_byte_as_well(data: bytes) -> None:
    items, reader = read(*(bytes([byte]) for byte in data + SMUGGLED))
    assert [item.status for item in items if isinstance(item, Problem)] == [items[0].status]  # type: ignore[union-attr]
    assert reader.over


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (POST + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", b"abcd"),
        (POST + b"Transfer-Encoding:\tChunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", b"abcd"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n4;name=value;other\r\nabcd\r\n0\r\n\r\n", b"abcd"),
        (POST + b"content-LENGTH:  4 \r\n\r\nabcd", b"abcd"),
        (POST + b"Content-Length: 0\r\n\r\n", b""),
        (POST + b"Content-Length: 0004\r\n\r\nabcd", b"abcd"),
        (POST + b"\r\n", b""),
        (b"\r\n\r\n" + POST + b"\r\n", b""),
    ],
)
def test_a_valid_request_is_read_and_the_next_one_as_well(data: bytes, body: bytes) -> None:
    items, reader = read(data + SMUGGLED)
    assert [(item.path, item.body) for item in items if isinstance(item, Request)] == [
        ("/echo", body),
        ("/smuggled", b""),
    ]
    assert not reader.over


def test_a_trailer_does_not_become_a_header() -> None:
    items, _ = read(
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nCookie: user=fox\r\nX-Branch: fox\r\n\r\n"
    )
    assert isinstance(items[0], Request)
    assert items[0].headers == [(b"host", b"a"), (b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize("connection", [b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n"])
def test_nothing_is_read_after_the_last_request(connection: bytes) -> None:
    items, reader = read(GET + connection + b"\r\n" + SMUGGLED)
    assert [item.path for item in items if isinstance(item, Request)] == ["/echo"]
    assert reader.over


def test_connect_has_no_tunnel() -> None:
    items, reader = read(b"CONNECT echo:80 HTTP/1.1\r\nHost: echo:80\r\n\r\n" + SMUGGLED)
    assert len(items) == 1
    assert reader.over


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a%20b/%e5%b0%8f?x=%31#f", "/a b/小", b"x=%31"),
        (b"http://elsewhere/echo?x", "/echo", b"x"),
        (b"http://elsewhere", "", b""),
        (b"*", "*", b""),
        (b"/?", "/", b""),
        (b"//echo", "//echo", b""),
    ],
)
def test_the_target_is_a_path_or_a_url(target: bytes, path: str, query: bytes) -> None:
    items, _ = read(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert isinstance(items[0], Request)
    assert (items[0].path, items[0].query) == (path, query)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * LONGEST_TARGET + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"a" * (LARGEST_HEAD + 1), 414),
        (GET + b"X: " + b"a" * LARGEST_HEAD + b"\r\n\r\n", 431),
        (GET + b"X: " + b"a" * (LARGEST_HEAD + 1), 431),
        (GET + b"X: 1\r\n" * MOST_HEADERS + b"\r\n", 431),
        (POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (MAX_BODY + 1) + b"a" * (MAX_BODY + 1), 413),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 80_000, 413),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * 80_000, 413),
        (POST + b"Expect: the-best\r\nContent-Length: 1\r\n\r\n", 417),
        (b"POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", 404),
    ],
)
def test_what_is_too_large_or_unwelcome_is_refused_before_it_has_been_read(data: bytes, status: int) -> None:
    for pieces in ((data,), tuple(data[at : at + 1000] for at in range(0, len(data), 1000))):
        items, reader = read(*pieces)
        assert [item.status for item in items if isinstance(item, Problem)] == [status]
        assert reader.over


def test_a_large_head_within_the_bounds_is_read_whatever_follows_it() -> None:
    data = GET + b"X: " + b"a" * (LARGEST_HEAD - 200) + b"\r\n\r\n"
    items, reader = read(data + GET + b"Y: " + b"b" * 5000 + b"\r\n\r\n")
    assert len(items) == 2
    assert not reader.over


def test_a_client_that_sends_many_requests_ahead_gets_some_answers_and_a_closed_connection() -> None:
    items, reader = read((GET + b"\r\n") * (MOST_WAITING + 50))
    assert len(items) == MOST_WAITING
    assert reader.over
    assert isinstance(items[-1], Request)
    assert not items[-1].keep_alive


def test_the_client_is_told_to_continue_only_when_a_body_is_to_come() -> None:
    head = POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    assert read(head)[1].awaits_continue
    assert not read(head + b"abc")[1].awaits_continue
    assert not read(GET + b"Expect: 100-continue\r\n\r\n")[1].awaits_continue


@given(streams(), st.data())
def test_how_the_bytes_are_cut_makes_no_difference(data: bytes, draw: st.DataObject) -> None:
    whole, whole_reader = read(data)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    cut, cut_reader = read(*(piece for piece in pieces if piece))
    assert outcome(cut) == outcome(whole)
    assert cut_reader.over == whole_reader.over
    # At most one refusal, and nothing after it.
    problems = [item for item in whole if isinstance(item, Problem)]
    assert problems in ([], whole[-1:])
    for item in whole:
        if isinstance(item, Request):
            assert all(b"\r" not in value and b"\n" not in value for header in item.headers for value in header)
            assert len(item.body) <= MAX_BODY


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HEAD /echo HTTP/1.1\r\n\r\n", True),
        (b"HEAD /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", True),
        (b"HEAD /echo HTTP/1.1\r\nHost : a\r\n\r\n", True),
        (b"HEAD /echo HTTP/1.1\r\nX: " + b"x" * LARGEST_HEAD, True),
        (b"HEAD /" + b"x" * LONGEST_TARGET + b" HTTP/1.1\r\n", True),
        (b"HEAD", False),
        (b"HEADS /echo HTTP/1.1\r\nHost: a\r\n\r\n", False),
        (b"GET /echo HTTP/1.1\r\n\r\n", False),
        # What follows a HEAD and is no request.
        (b"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03", False),
        (b"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\nget", False),
    ],
)
def test_a_refusal_has_no_body_as_soon_as_it_is_certain_that_head_was_asked(data: bytes, expected: bool) -> None:
    for pieces in ([data], [bytes([byte]) for byte in data]):
        _, reader = read(*pieces)
        if not reader.over:
            reader.give_up(Problem(408, "the rest did not come"))
        assert reader.refuses_head is expected
