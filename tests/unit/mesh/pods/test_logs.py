"""Logs: stamped, rotated, read whole, by their end, since a time, and as they grow."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest

from mesh.pods.logs.log_files import LogFile, LogFiles, LogKey, older
from mesh.pods.logs.log_pipe import LogPipe
from mesh.pods.logs.log_reader import BLOCK, LogOptions, LogReader, NoLog
from tests.support.yard import Yard, pod, shell

KEY = LogKey("mesh", "shop", "main")
STAMPED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (.*)\n")


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path, 1000)


async def read(files: LogFiles, **options: Any) -> bytes:
    return b"".join([piece async for piece in LogReader(files).read(*KEY, LogOptions(**options))])


def fill(log: LogFile, first: int, last: int) -> None:
    for number in range(first, last):
        log.write(b"line %d\n" % number)


def lines(first: int, last: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, last))


async def test_every_line_has_one_time_also_when_it_comes_in_parts(files: LogFiles) -> None:
    log = files.start(KEY, 0)
    for part in (b"one\ntw", b"o\n", b"\nfour\n", b"five"):
        log.write(part)
    log.close()
    stamped = (files.path(KEY, 0)).read_bytes()
    assert [STAMPED.fullmatch(line).group(1) for line in stamped.splitlines(keepends=True)] == [  # type: ignore[union-attr]
        b"one", b"two", b"", b"four", b"five",
    ]  # fmt: skip
    assert await read(files) == b"one\ntwo\n\nfour\nfive\n"
    assert await read(files, timestamps=True) == stamped


@pytest.mark.parametrize("tail", [0, 1, 5, 20, 40, 1000])
async def test_the_last_lines_are_found_across_the_rotation(files: LogFiles, tail: int) -> None:
    log = files.start(KEY, 0)
    fill(log, 0, 45)
    assert older(log.path).exists()
    whole = await read(files)
    assert whole.endswith(lines(40, 45))
    expected = whole.splitlines(keepends=True)[-tail:] if tail else []
    assert await read(files, tail_lines=tail) == b"".join(expected)
    log.close()


async def test_rotation_keeps_two_files_of_about_the_limit(files: LogFiles) -> None:
    log = files.start(KEY, 0)
    fill(log, 0, 500)
    log.close()
    assert sorted(p.name for p in log.path.parent.iterdir()) == ["0.log", "0.log.1"]
    assert older(log.path).stat().st_size <= 1100


async def test_a_line_that_never_ends_is_broken_so_that_the_log_can_rotate(files: LogFiles) -> None:
    log = files.start(KEY, 0)
    for _ in range(100):
        log.write(b"x" * 100)
    log.close()
    assert sorted(p.name for p in log.path.parent.iterdir()) == ["0.log", "0.log.1"]
    assert log.path.stat().st_size < 2200
    assert older(log.path).stat().st_size < 2200
    parts = (await read(files)).splitlines()
    assert all(set(part) == {ord("x")} for part in parts)


async def test_a_program_whose_batches_all_end_within_a_line_is_rotated_at_the_ends_of_its_lines(
    files: LogFiles,
) -> None:
    log = files.start(KEY, 0)
    text = lines(0, 300)
    for at in range(3, len(text), 16):
        log.write(text[max(0, at - 16) : at])
    log.write(text[at:])
    log.close()
    assert older(log.path).stat().st_size < 1200
    written = await read(files)
    assert written
    assert text.endswith(written)


async def test_a_line_longer_than_a_block_and_one_with_carriage_returns_are_read_as_written(tmp_path: Path) -> None:
    files = LogFiles(tmp_path, 10**9)
    log = files.start(KEY, 0)
    written = b"10%\r20%\r\n" + b"x" * (3 * BLOCK + 17) + b"\nshort\n"
    log.write(written)
    log.close()
    assert await read(files) == written
    assert await read(files, since_seconds=3600) == written
    assert await read(files, tail_lines=2) == written.partition(b"\n")[2]


async def test_logs_of_pods_with_several_containers_are_removed_for_the_next_daemon(files: LogFiles) -> None:
    for pod_name in ("shop", "cart", "mall"):
        for container in ("main", "sidecar", "proxy"):
            files.start(LogKey("mesh", pod_name, container), 0).close()
    (files.folder / "daemon.log").touch()
    files.remove_all()
    assert [path.name for path in files.folder.glob("*/*")] == []
    assert (files.folder / "daemon.log").exists()


async def test_the_next_daemon_reads_on_from_the_same_fifo(files: LogFiles, tmp_path: Path) -> None:
    fifo = tmp_path / "output" / "main.0"
    first = LogPipe(fifo, files.start(KEY, 0), 0.0)
    program = os.open(fifo, os.O_RDWR)
    os.close(first._descriptor)  # as when the daemon is killed
    os.write(program, b"written while no daemon ran\n")
    log = files.start(KEY, 1)
    second = LogPipe(fifo, log, 0.0)
    second.start()
    os.write(program, b"written for the next\n")
    while b"next" not in await read(files):
        await log.changed()
    os.close(program)
    second.close()
    assert await read(files) == b"written while no daemon ran\nwritten for the next\n"
    assert not fifo.parent.exists()


async def test_who_follows_reads_every_line_once_through_rotations_until_the_end(files: LogFiles) -> None:
    log = files.start(KEY, 0)
    fill(log, 0, 3)
    reading = asyncio.create_task(read(files, follow=True))
    for number in range(3, 300):
        fill(log, number, number + 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    log.close()
    assert await reading == lines(0, 300)


async def test_bytes_are_limited_and_time_bounds_the_lines(files: LogFiles) -> None:
    log = files.start(KEY, 0)
    fill(log, 0, 5)
    log.close()
    assert await read(files, limit_bytes=10) == b"line 0\nlin"
    assert await read(files, since_seconds=3600) == lines(0, 5)
    assert await read(files, since_seconds=-3600) == b""


async def test_the_run_before_is_kept_and_the_one_before_that_is_not(files: LogFiles) -> None:
    for run in range(3):
        log = files.start(KEY, run)
        log.write(b"run %d\n" % run)
        log.close()
    assert await read(files) == b"run 2\n"
    assert await read(files, previous=True) == b"run 1\n"
    assert files.runs(KEY) == [1, 2]


async def test_a_log_that_is_not_there_is_named(files: LogFiles) -> None:
    with pytest.raises(NoLog, match='container "main" in pod "shop" is waiting to start'):
        await read(files)
    files.start(KEY, 0).close()
    with pytest.raises(NoLog, match='previous terminated container "main" in pod "shop" not found'):
        await read(files, previous=True)


async def test_all_that_a_chatty_program_writes_is_there_in_its_order(yard: Yard) -> None:
    program = "for n in range(100_000): print(n)"
    ref = yard.put(pod("chatty", "python", "-c", program, spec={"restartPolicy": "Never"}))
    await yard.until(lambda: yard.phase(ref) == "Succeeded")
    text = await yard.log(ref)
    assert text.split() == [str(n) for n in range(100_000)]


async def test_following_a_container_ends_with_it(yard: Yard) -> None:
    ref = yard.put(pod("talker", *shell("echo one; sleep 0.2; echo two"), spec={"restartPolicy": "Never"}))
    await yard.until(lambda: yard.ready(ref) or yard.phase(ref) == "Succeeded")
    assert await yard.log(ref, follow=True) == "one\ntwo\n"
