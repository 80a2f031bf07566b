"""What a daemon that was killed leaves behind, and how the next one ends it.

Every process of a pod is written down when it starts, as an empty file `run/processes/<pid>-<start time>`: creating
it is atomic and needs no format. Processes that a pod's own processes started are known by the marks in their
environment. A pid whose start time differs has been given to somebody else and is never touched.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from mesh.pods.host.procfs import Marked, marked, parent, send, start_time

TERM_LIMIT = 2.0
KILL_LIMIT = 2.0


class Records:
    """The list of a home's processes, on disk."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "run" / "processes"

    def add(self, pid: int, started: int) -> None:
        """Writes a process down. An error of the disk is no reason not to run it: the marks find it too."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path(pid, started).touch(mode=0o600)

    def remove(self, pid: int, started: int) -> None:
        with suppress(OSError):
            self._path(pid, started).unlink()

    def living(self) -> list[Marked]:
        """The processes written down that are still the same ones; forgets the others."""
        found = []
        with suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                pid, _, started = path.name.partition("-")
                if pid.isdigit() and started.isdigit() and start_time(int(pid)) == int(started):
                    found.append(Marked(int(pid), int(started), "", ""))
                else:
                    path.unlink(missing_ok=True)
        return found

    def _path(self, pid: int, started: int) -> Path:
        return self.folder / f"{pid}-{started}"


def reap_leftovers(home: Path) -> list[int]:
    """Ends every process that pods of this home left, and returns their pids. Does nothing when there are none.

    Call it only while no daemon runs in this home. SIGTERM first, SIGKILL after two seconds; returns when they
    are gone.
    """
    home = home.absolute()
    found = _leftovers(home)
    ended = set(found)
    for number, limit in ((signal.SIGTERM, TERM_LIMIT), (signal.SIGKILL, KILL_LIMIT)):
        for process in found:
            send(process, number)
        deadline = time.monotonic() + limit
        while found and time.monotonic() < deadline:
            found = {process for process in found if start_time(process.pid) == process.started}
            if found:
                time.sleep(0.005)
        found = _leftovers(home)
        ended |= found
    Records(home).living()
    return sorted({process.pid for process in ended})


def _leftovers(home: Path) -> set[Marked]:
    own = _lineage()
    known = {process.pid: process for process in Records(home).living()}
    known.update({process.pid: process for process in marked(home)})
    return {process for pid, process in known.items() if pid not in own}


def _lineage() -> set[int]:
    """This process and those that started it: `meshmall down` may be typed inside a pod."""
    found = set()
    pid = os.getpid()
    while pid > 1:
        found.add(pid)
        pid = parent(pid)
    return found
