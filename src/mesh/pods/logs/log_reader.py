"""Reads containers' logs: all of a log, its last lines, its lines since a time, and new lines as they are written."""

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
class LogOptions:
    """Kubernetes' PodLogOptions: which part of a log, and in which form. None: no limit."""

    follow: bool = False
    previous: bool = False
    tail_lines: int | None = None
    since_seconds: float | None = None
    since_time: datetime | None = None
    timestamps: bool = False
    limit_bytes: int | None = None


NO_OPTIONS = LogOptions()


class _Formatter:
    """Turns stamped lines into what was requested: lines since a time, with or without their stamps.

    Takes a log in consecutive pieces; a line that is longer than a piece has its stamp only in the first one.
    """

    def __init__(self, since: bytes, *, timestamps: bool) -> None:
        self._since = since
        self._start = 0 if timestamps else STAMP_LENGTH
        self._within_line = False
        self._shown = True

    def format(self, piece: bytes) -> bytes:
        lines: list[bytes] = []
        for line in _lines_of(piece):
            start = 0
            if not self._within_line:
                self._shown = line[: STAMP_LENGTH - 1] >= self._since
                start = self._start
            if self._shown:
                lines.append(line[start:])
            self._within_line = not line.endswith(b"\n")
        return b"".join(lines)


def _lines_of(piece: bytes) -> list[bytes]:
    # Not splitlines(): a carriage return (of a progress bar, for example) does not end a line, and no stamp follows it.
    *complete, rest = piece.split(b"\n")
    lines = [line + b"\n" for line in complete]
    return [*lines, rest] if rest else lines


class LogReader:
    """Reads the logs of a home's containers."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files

    async def read(
        self,
        namespace: str,
        pod: str,
        container: str,
        options: LogOptions = NO_OPTIONS,
    ) -> AsyncGenerator[bytes, None]:
        """Yields the log in pieces of whole lines; with `follow` until the container ends.

        Raises NoLog when the container has not run yet, or, with `previous`, not before.
        """
        key = LogKey(namespace, pod, container)
        path = self._path(key, options.previous)
        current = self._files.current(key)
        followed = current if options.follow and current is not None and current.path == path else None
        formatter = _Formatter(_since(options.since_seconds, options.since_time), timestamps=options.timestamps)
        remaining = options.limit_bytes
        async with aclosing(_lines(path, followed, options.tail_lines)) as pieces:
            async for piece in pieces:
                text = formatter.format(piece)
                if remaining is not None:
                    yield text[:remaining]
                    remaining -= len(text)
                    if remaining <= 0:
                        return
                elif text:
                    yield text

    def _path(self, key: LogKey, previous: bool) -> Path:
        runs = self._files.runs(key)
        if previous:
            runs = runs[:-1]
            if not runs:
                raise NoLog(f'previous terminated container "{key.container}" in pod "{key.pod}" not found')
        if not runs:
            raise NoLog(f'container "{key.container}" in pod "{key.pod}" is waiting to start: it has no log yet')
        return self._files.path(key, runs[-1])


async def _lines(path: Path, followed: LogFile | None, tail: int | None) -> AsyncGenerator[bytes, None]:
    """The lines of both halves of a log, in pieces; `followed` is the writer to wait for."""
    with ExitStack() as stack:
        *halves, last = [stack.enter_context(file) for file in _open(path, tail)]
        for half in halves:
            for piece in _pieces(half, to_end=True):
                yield piece
        while True:
            # Both are looked at before the file is read: what is written in between is read in the next round.
            ended = followed is None or followed.closed
            rotated = not ended and _replaced(last, path)
            for piece in _pieces(last, to_end=ended):
                yield piece
            if ended or followed is None:
                return
            if rotated:
                last.close()
                last = stack.enter_context(path.open("rb"))
            elif not followed.closed and not _replaced(last, path):
                await followed.changed()


def _pieces(file: BinaryIO, *, to_end: bool) -> Iterator[bytes]:
    """What the file has from here on, cut at ends of lines.

    A last line without an end is left for later unless `to_end`; one that is longer than a block is given in parts.
    """
    while data := file.read(BLOCK):
        end = data.rfind(b"\n") + 1
        full = len(data) == BLOCK
        if (full and end) or (not full and not to_end):
            file.seek(end - len(data), os.SEEK_CUR)
            data = data[:end]
        if not data:
            return
        yield data


def _open(path: Path, tail: int | None) -> list[BinaryIO]:
    """The halves of a log, oldest first, each positioned where reading begins."""
    files: list[BinaryIO] = []
    missing = tail
    for half in (path, older(path)):
        if (missing is not None and missing <= 0 and files) or not half.exists():
            continue
        file = half.open("rb")
        if missing is not None:
            missing -= _seek_lines(file, missing)
        files.insert(0, file)
    return files


def _seek_lines(file: BinaryIO, count: int) -> int:
    """Positions the file where its last `count` lines begin; returns how many there are, at most `count`."""
    position = file.seek(0, os.SEEK_END)
    ends = 0
    if position == 0 or count <= 0:
        return 0
    file.seek(position - 1)
    complete = file.read(1) == b"\n"
    # The end of the line before the first one is searched for; the last line's own end is one more.
    searched = count + (1 if complete else 0)
    while position > 0:
        start = max(0, position - BLOCK)
        file.seek(start)
        data = file.read(position - start)
        at = len(data)
        while (at := data.rfind(b"\n", 0, at)) >= 0:
            ends += 1
            if ends == searched:
                file.seek(start + at + 1)
                return count
        position = start
    file.seek(0)
    return ends + (0 if complete else 1)


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
