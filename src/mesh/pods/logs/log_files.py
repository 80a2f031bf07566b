"""Logs of containers: `logs/<namespace>/<pod>/<container>/<restart>.log`, the older half in `<restart>.log.1`.

Each line starts with the time at which the daemon read it, as in the kubelet's files: RFC 3339 with nine digits, a
space, the line. All lines of one batch have the same time, so that stamping costs one `bytes.replace`.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

STAMP_LENGTH = 31


class LogKey(NamedTuple):
    """One container of a pod."""

    namespace: str
    pod: str
    container: str


def stamp(nanoseconds: int) -> bytes:
    """The prefix of a line, 31 bytes: `2026-11-23T19:16:07.123456789Z `."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode() + b".%09dZ " % rest


class LogFile:
    """Writes the log of one run of a container, and wakes those who follow it."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.closed = False
        self.dropped = 0
        self._limit = limit
        self._size = 0
        self._within_line = False
        self._changed: asyncio.Future[None] | None = None
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self._open()

    def write(self, data: bytes) -> None:
        """Appends what a program has written; a line may end in a later batch.

        Never raises: a full disk costs lines, which are counted in `dropped`, not the daemon.
        """
        if not data:
            return
        if self._size >= self._limit:
            data = self._rotate(data)
        self._append(data)
        self._wake()

    def close(self) -> None:
        """Ends the log: a follower reads the rest and stops."""
        if not self.closed:
            if self._within_line:
                with suppress(OSError):
                    os.write(self._file, b"\n")
            self.closed = True
            os.close(self._file)
            self._wake()

    async def changed(self) -> None:
        """Waits until something is written or the log is closed."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def last_lines(self, count: int) -> str:
        """The last lines without their times: why the container ended, in its own words."""
        with suppress(OSError), self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 4096 * max(1, count)))
            # Not splitlines(): it also splits at carriage returns, after which no stamp follows.
            lines = file.read().decode(errors="replace").removesuffix("\n").split("\n")[-count:]
            return "\n".join(line[STAMP_LENGTH:] for line in lines)
        return ""

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _rotate(self, data: bytes) -> bytes:
        """Begins a new file at the next end of a line in `data`; returns what of it belongs there.

        A program that never ends its line would keep the file growing: past twice the limit the line is broken.
        """
        if self._within_line:
            head, end, rest = data.partition(b"\n")
            if end:
                self._append(head + end)
                data = rest
            elif self._size >= 2 * self._limit:
                self._append(b"\n")
            else:
                return data
        with suppress(OSError):
            self.path.replace(older(self.path))
            fresh = self._open()
            os.close(self._file)
            self._file, self._size = fresh, 0
        return data

    def _append(self, data: bytes) -> None:
        if not data:
            return
        now = stamp(time.time_ns())
        complete = data.endswith(b"\n")
        body = (data[:-1] if complete else data).replace(b"\n", b"\n" + now)
        stamped = (b"" if self._within_line else now) + body + (b"\n" if complete else b"")
        try:
            self._size += os.write(self._file, stamped)
        except OSError:
            self.dropped += data.count(b"\n")
        self._within_line = not complete

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
        self._changed = None


def older(path: Path) -> Path:
    """Where the older half of a log is."""
    return path.with_name(path.name + ".1")


class LogFiles:
    """The logs of a home. As in Kubernetes, each container's current and previous run are kept."""

    def __init__(self, home: Path, limit: int) -> None:
        self.folder = home / "logs"
        self._limit = limit
        self._open: dict[LogKey, LogFile] = {}

    def start(self, key: LogKey, restart: int) -> LogFile:
        """Opens the log of a container's next run. Raises OSError when the disk refuses."""
        for run in self.runs(key):
            if run < restart - 1:
                for path in (self.path(key, run), older(self.path(key, run))):
                    path.unlink(missing_ok=True)
        log = LogFile(self.path(key, restart), self._limit)
        self._open[key] = log
        return log

    def current(self, key: LogKey) -> LogFile | None:
        """The log of the container's last run, if this daemon has started it."""
        return self._open.get(key)

    def path(self, key: LogKey, restart: int) -> Path:
        return self.folder.joinpath(*key) / f"{restart}.log"

    def runs(self, key: LogKey) -> list[int]:
        """The numbers of the runs that have a log, oldest first."""
        with suppress(FileNotFoundError):
            return sorted(int(p.stem) for p in self.folder.joinpath(*key).iterdir() if p.suffix == ".log")
        return []

    def remove_pod(self, namespace: str, pod: str) -> None:
        """Removes the logs of a pod that is gone."""
        for key in [key for key in self._open if key[:2] == (namespace, pod)]:
            self._open.pop(key).close()
        shutil.rmtree(self.folder / namespace / pod, ignore_errors=True)
        with suppress(OSError):
            (self.folder / namespace).rmdir()

    def remove_all(self, but: Collection[tuple[str, str]] = ()) -> None:
        """Removes the logs of pods of an earlier daemon, except those of `but` (namespace and name); other files in
        the folder stay."""
        # Collected first: a pod with two containers matches twice, and a folder must not vanish while it is walked.
        pods = {path.parent.parent for path in self.folder.glob("*/*/*/*.log") if path.stem.isdigit()}
        for pod in pods:
            if (pod.parent.name, pod.name) not in but:
                shutil.rmtree(pod, ignore_errors=True)
