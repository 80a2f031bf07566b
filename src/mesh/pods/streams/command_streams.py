"""The streams of one process as a client of exec or attach sees them: pipes, or one pseudo-terminal."""

import asyncio
import errno
import fcntl
import os
import struct
import termios
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

CHUNK = 32 << 10
# Seconds that output may still come after the process has ended: a child of its own may keep the pipe open.
DRAIN_LIMIT = 1.0


class NotRunning(Exception):
    """The container or pod cannot be reached now; the message says why."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The daemon's ends. With a terminal `stdin` and `stdout` are the same descriptor and `stderr` is None.

    All are closed by whoever owns the streams, each once.
    """

    stdin: int | None
    stdout: int | None
    stderr: int | None
    is_terminal: bool = False

    def all(self) -> set[int]:
        """Each descriptor once."""
        return {fd for fd in (self.stdin, self.stdout, self.stderr) if fd is not None}


class Pipes:
    """Three pipes: `theirs` are the process's ends (stdin, stdout, stderr), `ours` the other ones."""

    def __init__(self, *, stdin: bool) -> None:
        given, typed = os.pipe2(os.O_CLOEXEC)
        (out, out_end), (err, err_end) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        if not stdin:
            os.close(typed)
        self.theirs = (given, out_end, err_end)
        self.ours = Descriptors(typed if stdin else None, out, err)

    def close_theirs(self) -> None:
        """After the process has been started, or was not."""
        for fd in self.theirs:
            os.close(fd)

    def close_ours(self) -> None:
        """When there is no process to talk to."""
        for fd in self.ours.all():
            os.close(fd)


NO_DESCRIPTORS = Descriptors(None, None, None)


def terminal(master: int | None) -> Descriptors:
    """The streams of a process with a terminal, by the terminal's master side."""
    return Descriptors(master, master, None, is_terminal=True)


class CommandStreams:
    """Reads and writes without blocking the loop. `ended` gives the exit code, `kill` ends what still runs."""

    def __init__(self, descriptors: Descriptors, ended: Awaitable[int], kill: Callable[[], None]) -> None:
        self._descriptors = descriptors
        self._open = descriptors.all()
        for fd in self._open:
            os.set_blocking(fd, False)
        self._ended = asyncio.ensure_future(ended)
        self._kill = kill

    async def write(self, data: bytes) -> None:
        """Sends bytes to standard input; waits while they are not taken. Bytes after its end are discarded."""
        fd = self._descriptors.stdin
        rest = memoryview(data)
        while rest and fd in self._open and not self._ended.done():
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                await self._until(fd, writable=True)
            except OSError:
                # Nobody reads it any more.
                await self.close_stdin()

    async def close_stdin(self) -> None:
        """Ends standard input; in a terminal, by the character that ends it."""
        fd = self._descriptors.stdin
        if fd is None or fd not in self._open:
            return
        if self._descriptors.is_terminal:
            with suppress(OSError):
                os.write(fd, b"\x04")
        else:
            self._close(fd)

    def stdout(self) -> AsyncIterator[bytes]:
        return self._read(self._descriptors.stdout)

    def stderr(self) -> AsyncIterator[bytes]:
        return self._read(self._descriptors.stderr)

    def resize(self, columns: int, rows: int) -> None:
        """Sets the terminal's size; its foreground process gets SIGWINCH from the kernel."""
        fd = self._descriptors.stdout
        if self._descriptors.is_terminal and fd in self._open and 0 < columns < 1 << 16 and 0 < rows < 1 << 16:
            with suppress(OSError):
                fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    async def close(self) -> None:
        """Ends the process when it still runs and closes every descriptor. Idempotent."""
        if not self._ended.done():
            self._kill()
        self.release()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._ended, return_exceptions=True)

    def release(self) -> None:
        """Closes every descriptor. Idempotent."""
        for fd in tuple(self._open):
            self._close(fd)

    async def _read(self, fd: int | None) -> AsyncIterator[bytes]:
        if fd is None:
            return
        while fd in self._open:
            try:
                data = os.read(fd, CHUNK)
            except BlockingIOError:
                if not await self._until(fd, writable=False):
                    return
                continue
            except OSError as error:
                # A terminal whose last process has gone says EIO instead of the end of a file.
                if error.errno == errno.EIO:
                    return
                raise
            if not data:
                return
            yield data

    async def _until(self, fd: int, *, writable: bool) -> bool:
        """Waits until a descriptor is ready; False when the process has ended and nothing comes any more."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        add, remove = (loop.add_writer, loop.remove_writer) if writable else (loop.add_reader, loop.remove_reader)
        add(fd, ready.set)
        waiting = asyncio.ensure_future(ready.wait())
        try:
            await asyncio.wait([waiting, self._ended], return_when=asyncio.FIRST_COMPLETED)
            if not ready.is_set() and not writable:
                await asyncio.wait([waiting], timeout=DRAIN_LIMIT)
            return ready.is_set()
        finally:
            waiting.cancel()
            if fd in self._open:
                remove(fd)

    def _close(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(fd)
        loop.remove_writer(fd)
        self._open.discard(fd)
        os.close(fd)
