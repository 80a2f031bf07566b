"""SPDY/3.1's frames, as a client sends them byte by byte, and what a hostile one is answered."""

import asyncio
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.api.streaming.spdy import SpdySession
from mesh.api.streaming.spdy_headers import HeaderError, HeaderReader, HeaderWriter, dictionary
from tests.support.waiting import eventually

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


def test_the_dictionary_is_the_draft_s() -> None:
    # The checksum that zlib streams of other implementations carry.
    assert (len(dictionary()), zlib.adler32(dictionary())) == (1423, 0xE3C6A7C2)


@given(st.lists(st.dictionaries(TEXT.map(str.lower), TEXT, max_size=5), max_size=4))
def test_headers_come_out_as_they_went_in(blocks: list[dict[str, str]]) -> None:
    writer, reader = HeaderWriter(), HeaderReader()
    assert [reader.read(writer.write(block)) for block in blocks] == blocks


def test_a_header_block_that_grows_without_bound_is_refused() -> None:
    with pytest.raises(HeaderError, match="larger than"):
        HeaderReader().read(HeaderWriter().write({"a": "b" * 1_000_000}))


@given(st.binary(max_size=200))
def test_any_bytes_as_headers_are_refused_or_read(data: bytes) -> None:
    with suppress(HeaderError):
        HeaderReader().read(data)


class Wire:
    """The client's end: `sent` bytes go in, what the server writes is kept."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.answers = b""
        self.open = asyncio.Event()

    async def read(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        await self.open.wait()
        return b""

    async def write(self, data: bytes) -> None:
        self.answers += data

    async def close(self) -> None:
        self.open.set()


def syn_stream(number: int, headers: dict[str, str], writer: HeaderWriter) -> bytes:
    payload = struct.pack("!IIBB", number, 0, 0, 0) + writer.write(headers)
    return struct.pack("!HHI", 0x8003, 1, len(payload)) + payload


def data_frame(number: int, data: bytes, *, last: bool = False) -> bytes:
    return struct.pack("!II", number, (1 << 24 if last else 0) | len(data)) + data


async def test_a_stream_s_data_comes_however_it_is_cut_up() -> None:
    frames = syn_stream(1, {"streamtype": "stdin"}, HeaderWriter()) + data_frame(1, b"hello", last=True)
    session = SpdySession(Wire(*(frames[at : at + 1] for at in range(len(frames)))))
    running = asyncio.create_task(session.run())
    stream = await session.next_stream()
    assert stream is not None
    assert stream.headers == {"streamtype": "stdin"}
    assert [await stream.read(), await stream.read(), await stream.read()] == [b"hello", b"", b""]
    await session.close()
    await running


async def test_a_ping_comes_back() -> None:
    ping = struct.pack("!HHII", 0x8003, 6, 4, 7)
    wire = Wire(ping)
    session = SpdySession(wire)
    running = asyncio.create_task(session.run())
    await eventually(lambda: ping in wire.answers)
    await session.close()
    await running


@pytest.mark.parametrize(
    "frames",
    [
        struct.pack("!II", 1, 0xFF_FFFF),
        struct.pack("!HHI", 0x8002, 1, 0),
        struct.pack("!HHI", 0x8003, 1, 2) + b"xx",
        syn_stream(2, {}, HeaderWriter()),
        struct.pack("!HHI", 0x8003, 3, 0),
    ],
    ids=["a huge frame", "another version", "cut short", "an even number", "a reset of nothing"],
)
async def test_a_peer_that_breaks_the_protocol_is_dropped(frames: bytes) -> None:
    session = SpdySession(Wire(frames))
    await asyncio.wait_for(session.run(), 10)
    assert await session.next_stream() is None


@given(st.binary(max_size=300))
def test_any_bytes_end_the_session_without_an_error(data: bytes) -> None:
    async def run() -> None:
        wire = Wire(data)
        wire.open.set()
        await SpdySession(wire).run()

    asyncio.run(run())
