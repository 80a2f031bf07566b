"""The pipe of Envoy's lines: a writer of any speed, and one that goes."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.envoy.hop_pipe import LONGEST_LINE, HopPipe
from tests.support.waiting import eventually


@pytest.fixture
def lines() -> list[bytes]:
    return []


@pytest.fixture
async def pipe(tmp_path: Path, lines: list[bytes]) -> AsyncIterator[HopPipe]:
    pipe = HopPipe(tmp_path / "hops", lambda data: lines.extend(data.split(b"\n")))
    pipe.open()
    yield pipe
    pipe.close()


def write(path: Path, data: bytes) -> None:
    """As Envoy does it: opened for writing alone, blocking."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


async def test_lines_come_whole_however_they_were_written(pipe: HopPipe, tmp_path: Path, lines: list[bytes]) -> None:
    for part in (b"one\ntw", b"o", b"\nthree\n"):
        await asyncio.to_thread(write, tmp_path / "hops", part)
    await eventually(lambda: lines == [b"one", b"two", b"three"])


async def test_more_than_the_pipe_has_room_for_arrives_in_order(
    pipe: HopPipe, tmp_path: Path, lines: list[bytes]
) -> None:
    expected = [b"%d " % number + b"x" * 500 for number in range(10_000)]
    await asyncio.to_thread(write, tmp_path / "hops", b"\n".join(expected) + b"\n")
    await eventually(lambda: len(lines) == len(expected))
    assert lines == expected


async def test_a_line_without_an_end_is_bounded(pipe: HopPipe, tmp_path: Path, lines: list[bytes]) -> None:
    for _ in range(4):
        await asyncio.to_thread(write, tmp_path / "hops", b"x" * LONGEST_LINE)
    await asyncio.to_thread(write, tmp_path / "hops", b"\nnext\n")
    await eventually(lambda: lines[-1:] == [b"next"])
    assert max(map(len, lines)) <= 2 * LONGEST_LINE


async def test_what_is_left_is_read_at_the_end(tmp_path: Path) -> None:
    lines: list[bytes] = []
    pipe = HopPipe(tmp_path / "hops", lines.append)
    pipe.open()
    await asyncio.to_thread(write, tmp_path / "hops", b"last\n")
    pipe.close()
    pipe.close()
    assert lines == [b"last"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["a file", "a pipe"])
async def test_what_a_killed_daemon_left_is_no_obstacle(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "hops"
    if kind == "a pipe":
        os.mkfifo(path)
    else:
        path.write_text("lines\n")
    pipe = HopPipe(path, lambda _: None)
    pipe.open()
    assert stat.S_ISFIFO(path.stat().st_mode)
    pipe.close()
