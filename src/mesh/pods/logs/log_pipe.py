"""Carries what a process writes from its pipe into its log, in batches.

A chatty program must not wake the daemon for every line: after each read the pipe rests for a moment, while the
kernel collects. The first line after a silence is read at once.
"""

import asyncio
import fcntl
import os
from contextlib import suppress

from mesh.pods.logs.log_files import LogFile

PIPE_SIZE = 256 * 1024


class LogPipe:
    """The reading end of a pipe; `write_end` is given to the process and closed with `started`."""

    def __init__(self, log: LogFile, interval: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = log
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read_end, False)
        with suppress(OSError):
            fcntl.fcntl(self._read_end, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def started(self) -> None:
        """The process has its end: begin to read."""
        os.close(self.write_end)
        self._loop.add_reader(self._read_end, self._readable)

    def abandon(self) -> None:
        """The process was not started."""
        os.close(self.write_end)
        os.close(self._read_end)
        self._log.close()

    def close(self) -> None:
        """The process has ended: take what is left, and close the log."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._read_end)
        while data := self._read():
            self._log.write(data)
        os.close(self._read_end)
        self._log.close()

    def _readable(self) -> None:
        data = self._read()
        self._log.write(data or b"")
        if data is None or len(data) < PIPE_SIZE:
            self._loop.remove_reader(self._read_end)
            if data != b"":
                self._timer = self._loop.call_later(self._interval, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._read_end, self._readable)

    def _read(self) -> bytes | None:
        """What is there; None when there is nothing yet, empty when every writer is gone."""
        try:
            return os.read(self._read_end, PIPE_SIZE)
        except BlockingIOError:
            return None
