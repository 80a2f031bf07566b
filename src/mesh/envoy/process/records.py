"""What a home's Envoys leave on disk about themselves, so that the next daemon can adopt or end those of a dead one.

An Envoy outlives its daemon and serves on. The next daemon takes it over where it would start the same one, so that
nobody's connection breaks; any other one is ended.
"""

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from mesh.procfs import start_time

# Of the Envoys that a mesh with network namespaces has: the mesh's own, and the edge.
NAMES = ("envoy", "edge")
# Seconds between SIGTERM and SIGKILL.
STOP_LIMIT = 3.0


@dataclass(frozen=True, slots=True)
class Record:
    """A process (`started` in clock ticks since boot), what it was started with, and whom it serves.

    `configuration` is a digest of its command line and bootstrap configuration. `place` says where clients reach it;
    "" for one that must not be adopted.
    """

    pid: int
    started: int
    configuration: str = ""
    place: str = ""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record in a file; None where there is none, or none that can be read."""
        try:
            body = json.loads(path.read_text())
            pid, started = int(body["pid"]), int(body["started"])
            return cls(pid, started, str(body.get("configuration", "")), str(body.get("place", "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @property
    def is_running(self) -> bool:
        return start_time(self.pid) == self.started


def path_of(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"


def survive(home: Path, place: str) -> bool:
    """Whether all Envoys of a mesh with network namespaces have outlived their daemon, and serve this place."""
    records = [Record.read(path_of(home, name)) for name in NAMES]
    return all(record is not None and record.is_running and record.place == place for record in records)


def reap(home: Path) -> bool:
    """Ends the Envoys that a dead daemon left in this home; whether there was one."""
    ended = [end(path_of(home, name)) for name in NAMES]
    return any(ended)


def end(path: Path) -> bool:
    """Ends the Envoy of a record and removes the record; whether it was running."""
    record = Record.read(path)
    if record is None:
        return False
    was_running = record.is_running
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not record.is_running:
            break
        with suppress(ProcessLookupError):
            os.kill(record.pid, number)
        deadline = time.monotonic() + STOP_LIMIT
        while record.is_running and time.monotonic() < deadline:
            time.sleep(0.005)
    remove(path)
    return was_running


def remove(path: Path) -> None:
    """Removes a record, unless the disk has become read-only: the process has ended all the same."""
    with suppress(OSError):
        path.unlink()
