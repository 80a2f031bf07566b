"""Carries what a process writes from its FIFO into its log, in batches.

A chatty program must not wake the daemon for every line: after each read the FIFO rests for a moment while the
kernel collects. The first line after a silence is read at once.

It is a FIFO in the home and not an anonymous pipe so that it outlives the daemon: the process keeps writing (see
`mesh.pods.runtime.interface.Sandbox.start`), and the next daemon opens the same path and reads on.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mesh.pods.logs.log_files import LogFile

PIPE_SIZE = 256 * 1024


class LogPipe:
    """The reading end of a FIFO, which is made if it does not exist. Raises OSError when the disk refuses.

    A process with a terminal writes to that instead: `start` is given its master side then.
    """

    def __init__(self, path: Path, log: LogFile, interval: float) -> None:
        self.path = path
        self._loop = asyncio.get_running_loop()
        self._log = log
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None
        self._feed: Callable[[bytes], None] = lambda _data: None
        self._is_watched: Callable[[], bool] = lambda: False
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        # A full FIFO blocks the program, so it is as large as the kernel lets an ordinary user make it.
        with suppress(OSError):
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def start(
        self,
        terminal: int | None = None,
        feed: Callable[[bytes], None] = lambda _data: None,
        is_watched: Callable[[], bool] = lambda: False,
    ) -> None:
        """Begins to read. Only once the process has opened the FIFO: without a writer it reads as ended.

        `feed` gets a copy of everything. While `is_watched` says that somebody looks at it, nothing is gathered: what
        a person types comes back at once.
        """
        self._feed, self._is_watched = feed, is_watched
        if terminal is not None:
            os.close(self._descriptor)
            self._descriptor = os.dup(terminal)  # the terminal itself is also written to, and closed by others
            os.set_blocking(self._descriptor, False)
        self._loop.add_reader(self._descriptor, self._readable)

    def close(self) -> None:
        """The process has ended, or was not started: takes what is left, closes the log, removes the FIFO."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._descriptor)
        while data := self._read():
            self._take(data)
        os.close(self._descriptor)
        self._log.close()
        with suppress(OSError):
            self.path.unlink()
            self.path.parent.rmdir()  # where this was the pod's last one

    def _readable(self) -> None:
        data = self._read()
        self._take(data or b"")
        if data is None or len(data) < PIPE_SIZE:
            self._loop.remove_reader(self._descriptor)
            # Empty means that every writer is gone: the FIFO would be readable for ever, so it is not resumed.
            if data != b"":
                self._timer = self._loop.call_later(0 if self._is_watched() else self._interval, self._resume)

    def _take(self, data: bytes) -> None:
        self._log.write(data)
        if data:
            self._feed(data)

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._descriptor, self._readable)

    def _read(self) -> bytes | None:
        """What has been written; None when there is nothing yet, empty when every writer is gone."""
        try:
            return os.read(self._descriptor, PIPE_SIZE)
        except BlockingIOError:
            return None
        except OSError as error:
            # What a terminal says instead of the end of a file.
            if error.errno == errno.EIO:
                return b""
            raise
