"""The streams of a container that several clients are attached to."""

import asyncio
import os
from collections.abc import Awaitable

from mesh.pods.streams.command_streams import NO_DESCRIPTORS, Descriptors
from mesh.pods.streams.container_streams import EARLY_LIMIT, LAG_LIMIT, ContainerStreams, Listener


async def _never() -> int:
    await asyncio.Event().wait()
    return 0


def _with_pipe(*, once: bool, ended: Awaitable[int] | None = None) -> tuple[ContainerStreams, int]:
    theirs, ours = os.pipe()
    return ContainerStreams(Descriptors(ours, None, None), ended or _never(), once=once), theirs


async def _all(listener: Listener) -> bytes:
    return b"".join([piece async for piece in listener.pieces()])


async def test_every_client_gets_what_is_written_while_it_is_attached() -> None:
    streams = ContainerStreams(NO_DESCRIPTORS, _never(), once=False)
    first = streams.listen()
    streams.feed(b"one ")
    second = streams.listen()
    streams.feed(b"two ")
    streams.forget(first)
    streams.feed(b"three ")
    before = streams.attached
    streams.close()
    assert (before, streams.attached) == (True, False)
    first.end()
    assert await _all(first) == b"one two "
    assert await _all(second) == b"two three "
    assert await _all(streams.listen()) == b""


async def test_the_first_client_of_a_container_with_input_also_gets_what_was_written_before() -> None:
    streams, theirs = _with_pipe(once=False)
    streams.feed(b"prompt> ")
    first, second = streams.listen(), streams.listen()
    streams.close()
    os.close(theirs)
    assert await _all(first) == b"prompt> "
    assert await _all(second) == b""


async def test_what_was_written_before_is_kept_up_to_a_limit_and_even_after_the_end() -> None:
    streams, theirs = _with_pipe(once=False)
    streams.feed(b"x" * (EARLY_LIMIT - 1))
    streams.feed(b"yz")
    streams.close()
    os.close(theirs)
    assert await _all(streams.listen()) == b"x" * (EARLY_LIMIT - 1) + b"y"


async def test_a_client_that_does_not_read_loses_output_and_does_not_stop_the_others() -> None:
    streams = ContainerStreams(NO_DESCRIPTORS, _never(), once=False)
    slow = streams.listen()
    streams.feed(b"x" * LAG_LIMIT)
    streams.feed(b"lost")
    streams.close()
    assert await _all(slow) == b"x" * LAG_LIMIT


async def test_only_stdin_once_passes_the_end_of_a_clients_input_on() -> None:
    for once in (False, True):
        streams, theirs = _with_pipe(once=once)
        await streams.write(b"typed")
        await streams.input_ended()
        os.set_blocking(theirs, False)
        assert os.read(theirs, 100) == b"typed"
        try:
            ended = os.read(theirs, 100) == b""
        except BlockingIOError:
            ended = False
        assert ended is once
        streams.close()
        os.close(theirs)


async def test_two_clients_may_type_at_once_into_a_pipe_that_is_full() -> None:
    streams, theirs = _with_pipe(once=False)
    size = 1 << 17
    writers = [asyncio.create_task(streams.write(letter * size)) for letter in (b"a", b"b")]
    received = bytearray()
    while len(received) < 2 * size:
        received += await asyncio.to_thread(os.read, theirs, 1 << 16)
    await asyncio.gather(*writers)
    assert bytes(received) == b"a" * size + b"b" * size
    streams.close()
    os.close(theirs)


async def test_typing_ends_when_the_container_has_ended() -> None:
    over = asyncio.Event()

    async def ended() -> int:
        await over.wait()
        return 7

    streams, theirs = _with_pipe(once=False, ended=ended())
    writing = asyncio.create_task(streams.write(b"x" * (1 << 20)))
    await asyncio.sleep(0)
    over.set()
    await writing
    assert await streams.wait() == 7
    streams.close()
    os.close(theirs)
