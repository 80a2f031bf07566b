"""The pipe into which Envoy writes a line for each HTTP request.

A pipe, not a file: nothing grows on a disk while nobody reads. Envoy writes from a thread of its own, so that a slow
reader delays no request; what cannot be written yet waits in Envoy's memory, in order. Without a reader, when the
daemon has been killed, Envoy drops the lines.
"""

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PIPE_BYTES = 1 << 20
# Read at once: a few milliseconds of work, so that the daemon's loop stays free for others in between.
CHUNK_BYTES = 256 << 10
# A line has less than 4 KB: more without an end is not one.
LONGEST_LINE = 64 << 10


class HopPipe:
    """`take` is given whole lines, as bytes, in the daemon's loop."""

    def __init__(self, path: Path, take: Callable[[bytes], None]) -> None:
        self._path = path
        self._take = take
        self._pipe = -1
        self._rest = b""

    def open(self) -> None:
        """Opens the pipe, which must be there before Envoy: opening it for writing waits for a reader."""
        with suppress(FileNotFoundError):
            if not stat.S_ISFIFO(self._path.lstat().st_mode):
                self._path.unlink()
        with suppress(FileExistsError):
            os.mkfifo(self._path, 0o600)
        # For reading and writing: it is then open at both ends, and stays so when Envoy is started again.
        self._pipe = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with suppress(OSError):
            # Unprivileged users can have a bounded number of such pipes; a smaller one is as good, with more wake-ups.
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        asyncio.get_running_loop().add_reader(self._pipe, self._read)

    def close(self) -> None:
        """Reads what is left, and removes the pipe. Idempotent."""
        if self._pipe < 0:
            return
        asyncio.get_running_loop().remove_reader(self._pipe)
        while self._read():
            pass
        os.close(self._pipe)
        self._pipe = -1
        with suppress(OSError):
            self._path.unlink()

    def _read(self) -> bool:
        """Passes on the lines that are complete; False when there was nothing to read."""
        try:
            data = os.read(self._pipe, CHUNK_BYTES)
        except BlockingIOError:
            return False
        lines, end, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest if len(rest) <= LONGEST_LINE else b""
        if end:
            self._take(lines)
        return True
