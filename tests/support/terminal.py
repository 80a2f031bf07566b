"""A command on a terminal of its own, as a person has one: types, and waits for what appears."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

from tests.support.waiting import DEADLINE


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """`screen` is all that has appeared so far."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: str | None = None) -> None:
        self._master, slave = pty.openpty()
        self.resize(80, 24)
        self.process = subprocess.Popen(
            list(command), stdin=slave, stdout=slave, stderr=slave, env=dict(env), cwd=cwd,
            preexec_fn=_own_terminal,  # noqa: PLW1509 - the tests that use it have no threads
        )  # fmt: skip
        os.close(slave)
        self.screen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str, limit: float = 3 * DEADLINE) -> str:
        """Waits until `text` appears after what has been waited for before; returns what appeared with it."""
        deadline = time.monotonic() + limit
        part = ""
        while text not in part:
            assert time.monotonic() < deadline, f"no {text!r} in {self.screen!r}"
            part += self._read()
        return part

    def ended(self, limit: float = 3 * DEADLINE) -> int:
        """Waits for the end, and takes the rest of what appears; returns the exit code."""
        deadline = time.monotonic() + limit
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still running: {self.screen!r}"
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def _read(self) -> str:
        if not select.select([self._master], [], [], 0.1)[0]:
            return ""
        try:
            text = os.read(self._master, 65536).decode(errors="replace")
        except OSError:
            return ""  # the command has closed it
        self.screen += text
        return text
