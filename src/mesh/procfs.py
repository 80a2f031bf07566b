"""What /proc says about processes (proc(5)), and signals that reach no other process than the one meant."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class HostProcess(NamedTuple):
    """A living process. `started`, in clock ticks since boot, distinguishes it from a later process with its pid."""

    pid: int
    started: int


def start_time(pid: int) -> int | None:
    """When a living process started, in clock ticks since boot (field 22); None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal (SIGSTOP, SIGTSTP) and has not been continued."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] == "T"


def parent(pid: int) -> int:
    """The parent's pid; 0 when there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def descendants(pid: int) -> set[HostProcess]:
    """The living children of a process, their children, and so on.

    Empty where the kernel was built without `/proc/PID/task/TID/children` (CONFIG_PROC_CHILDREN).
    """
    processes: set[HostProcess] = set()
    parents = [pid]
    while parents:
        for child in _children(parents.pop()):
            started = start_time(child)
            process = HostProcess(child, started or 0)
            if started is not None and process not in processes:
                processes.add(process)
                parents.append(child)
    return processes


def send(process: HostProcess, number: signal.Signals) -> bool:
    """Signals exactly this process; whoever has its pid now, if it has ended, is left alone."""
    with suppress(OSError):
        pidfd = os.pidfd_open(process.pid)
        try:
            if start_time(process.pid) == process.started:
                signal.pidfd_send_signal(pidfd, number)
                return True
        finally:
            os.close(pidfd)
    return False


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                children += [int(child) for child in (task / "children").read_text().split()]
    return children
