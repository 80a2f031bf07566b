"""The daemon's log: what it logs itself, and whatever else reaches its standard error (a traceback, a library's words).

`mesh.daemon.launch` opens `logs/daemon.log` as the daemon's standard error. A daemon may run for months and log a line
for every request that fails, so the file is rotated: one older file is kept, `daemon.log.1`.
"""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

LIMIT = 10 * 1024 * 1024
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RotatingStandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Logs to standard error, and puts a new file in its place when the one at `path` has more than `limit` bytes.

    Does nothing to a standard error that is not that file: a terminal, or the journal of systemd.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        super().__init__(sys.stderr)
        self._path = path
        self._limit = limit

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        # A full disk or a removed folder must not stop the daemon from logging to what it has.
        with suppress(OSError, ValueError):
            self._rotate_if_large(self.stream.fileno())

    def _rotate_if_large(self, descriptor: int) -> None:
        if os.fstat(descriptor).st_size <= self._limit or not os.path.samestat(os.fstat(descriptor), self._path.stat()):
            return
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        # dup2 changes where the descriptor leads for everything that writes to it, not just for `logging`.
        fresh = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(fresh, descriptor, inheritable=True)
        os.close(fresh)


def configure(path: Path) -> None:
    """Logs warnings and errors to standard error, which is the file at `path`."""
    logging.basicConfig(level=logging.WARNING, format=FORMAT, handlers=[RotatingStandardError(path)])
