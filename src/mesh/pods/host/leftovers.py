"""What a daemon that was killed leaves behind, and how the next one ends it.

Every process of a pod is recorded when it starts, as an empty file `run/processes/<pid>-<start time>`: creating it is
atomic and needs no format. Processes that a pod's own processes started are found in /proc (`pod_processes`). A pid
whose start time differs has been reused and is never touched.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from mesh.pods.host.pod_processes import is_on_this_network, pod_processes
from mesh.procfs import HostProcess, parent, send, start_time

TERM_LIMIT = 2.0
KILL_LIMIT = 2.0


class Records:
    """The list of a home's processes, on disk."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "run" / "processes"

    def add(self, pid: int, started: int) -> None:
        """Records a process. A disk error is no reason not to run it: /proc shows whose it is, too."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path(pid, started).touch(mode=0o600)

    def remove(self, pid: int, started: int) -> None:
        with suppress(OSError):
            self._path(pid, started).unlink()

    def living(self) -> list[HostProcess]:
        """The recorded processes that still live; deletes the records of the others."""
        processes = []
        with suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                pid, _, started = path.name.partition("-")
                if pid.isdigit() and started.isdigit() and start_time(int(pid)) == int(started):
                    processes.append(HostProcess(int(pid), int(started)))
                else:
                    path.unlink(missing_ok=True)
        return processes

    def _path(self, pid: int, started: int) -> Path:
        return self.folder / f"{pid}-{started}"


def reap_leftovers(home: Path, *, adoptable: bool = True) -> list[int]:
    """Ends every process that pods of this home left behind, and returns their pids, sorted.

    Without `adoptable`, pods with network namespaces go on: the sandbox agent has them, the next daemon adopts them.

    Call it only while no daemon runs in this home. SIGTERM first, SIGKILL after two seconds; returns when they
    are gone.
    """
    home = home.absolute()
    remaining = _leftovers(home, adoptable=adoptable)
    ended = set(remaining)
    for number, limit in ((signal.SIGTERM, TERM_LIMIT), (signal.SIGKILL, KILL_LIMIT)):
        for process in remaining:
            send(process, number)
        deadline = time.monotonic() + limit
        while remaining and time.monotonic() < deadline:
            remaining = {process for process in remaining if start_time(process.pid) == process.started}
            if remaining:
                time.sleep(0.005)
        # What was signalled may have started others in the meantime.
        remaining = _leftovers(home, adoptable=adoptable)
        ended |= remaining
    Records(home).living()
    return sorted(process.pid for process in ended)


def _leftovers(home: Path, *, adoptable: bool) -> set[HostProcess]:
    excluded = _lineage()
    processes = {*Records(home).living(), *(owned.process for owned in pod_processes(home))}
    return {
        process
        for process in processes
        if process.pid not in excluded and (adoptable or is_on_this_network(process.pid))
    }


def _lineage() -> set[int]:
    """This process and its ancestors: `meshmall down` may be typed inside a pod."""
    pids = set()
    pid = os.getpid()
    while pid > 1:
        pids.add(pid)
        pid = parent(pid)
    return pids
