"""Reads containers' logs: the whole, the last lines, since a time, and on as they are written."""

import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mesh.pods.logs.log_files import STAMP_LENGTH, LogFile, LogFiles, LogKey, older, stamp

BLOCK = 256 * 1024


class NoLog(LookupError):
    """There is no such log; the message says which."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    timestamps: bool
    since: bytes

    def of(self, lines: list[bytes]) -> bytes:
        kept = (line for line in lines if line[: STAMP_LENGTH - 1] >= self.since) if self.since else lines
        return b"".join(kept) if self.timestamps else b"".join(line[STAMP_LENGTH:] for line in kept)


class LogReader:
    """Reads the logs of a home's containers."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files

    async def read(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = False,
        previous: bool = False,
        tail_lines: int | None = None,
        since_seconds: float | None = None,
        since_time: datetime | None = None,
        timestamps: bool = False,
        limit_bytes: int | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Gives the log in pieces of whole lines; with `follow` until the container ends.

        The options are those of Kubernetes' pods/log. Raises NoLog when the container has not run, or not before.
        """
        key = LogKey(namespace, pod, container)
        path = self._path(key, previous)
        current = self._files.current(key)
        followed = current if follow and current is not None and current.path == path else None
        wanted = _Wanted(timestamps, _since(since_seconds, since_time))
        left = limit_bytes
        async with aclosing(_lines(path, followed, tail_lines, wanted)) as pieces:
            async for piece in pieces:
                if left is not None:
                    yield piece[:left]
                    left -= len(piece)
                    if left <= 0:
                        return
                elif piece:
                    yield piece

    def _path(self, key: LogKey, previous: bool) -> Path:
        runs = self._files.runs(key)
        if previous:
            runs = runs[:-1]
            if not runs:
                raise NoLog(f'previous terminated container "{key.container}" in pod "{key.pod}" not found')
        if not runs:
            raise NoLog(f'container "{key.container}" in pod "{key.pod}" is waiting to start: it has no log yet')
        return self._files.path(key, runs[-1])


async def _lines(
    path: Path, followed: LogFile | None, tail: int | None, wanted: _Wanted
) -> AsyncGenerator[bytes, None]:
    """Whole lines of both halves of a log; `followed` is the writer to wait for."""
    with ExitStack() as stack:
        *halves, last = [stack.enter_context(file) for file in _from(path, tail)]
        for half in halves:
            for piece in _pieces(half, wanted, whole=True):
                yield piece
        while True:
            over = followed is None or followed.closed
            rotated = not over and _replaced(last, path)
            for piece in _pieces(last, wanted, whole=over):
                yield piece
            if over or followed is None:
                return
            if rotated:
                last.close()
                last = stack.enter_context(path.open("rb"))
            elif not followed.closed and not _replaced(last, path):
                await followed.changed()


def _pieces(file: BinaryIO, wanted: _Wanted, *, whole: bool) -> Iterator[bytes]:
    """What the file has from here on; a line without an end is left for later unless `whole`."""
    while data := file.read(BLOCK):
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) == BLOCK:
            whole = True
        if not whole or (len(data) == BLOCK and end):
            file.seek(end - len(data), os.SEEK_CUR)
            data = data[:end]
        if not data:
            return
        yield wanted.of(data.splitlines(keepends=True))


def _from(path: Path, tail: int | None) -> list[BinaryIO]:
    """The halves of a log, opened and put where the reading begins."""
    files: list[BinaryIO] = []
    left = tail
    for half in (path, older(path)):
        if (left is not None and left <= 0 and files) or not half.exists():
            continue
        file = half.open("rb")
        if left is not None:
            left -= _seek_lines(file, left)
        files.insert(0, file)
    return files


def _seek_lines(file: BinaryIO, count: int) -> int:
    """Puts the file where its last `count` lines begin; returns how many there are, at most `count`."""
    position = file.seek(0, os.SEEK_END)
    found = 0
    if position == 0 or count <= 0:
        return 0
    file.seek(position - 1)
    ended = file.read(1) == b"\n"
    wanted = count + (1 if ended else 0)
    while position > 0:
        start = max(0, position - BLOCK)
        file.seek(start)
        data = file.read(position - start)
        at = len(data)
        while (at := data.rfind(b"\n", 0, at)) >= 0:
            found += 1
            if found == wanted:
                file.seek(start + at + 1)
                return count
        position = start
    file.seek(0)
    return found + (0 if ended else 1)


def _replaced(file: BinaryIO, path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino != path.stat().st_ino
    except FileNotFoundError:
        return False


def _since(seconds: float | None, moment: datetime | None) -> bytes:
    if seconds is not None:
        return stamp(int((datetime.now(UTC).timestamp() - seconds) * 1e9))[:-1]
    if moment is not None:
        return stamp(int(moment.timestamp() * 1e9))[:-1]
    return b""
