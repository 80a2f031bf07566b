"""What /proc tells about processes (proc(5))."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

POD_MARK = "MESHMALL_POD_UID"
CONTAINER_MARK = "MESHMALL_CONTAINER"
HOME_MARK = "MESHMALL_HOME"


class Marked(NamedTuple):
    """A living process that belongs to a pod: `started` is its start time in clock ticks since boot."""

    pid: int
    started: int
    pod_uid: str
    container: str


def start_time(pid: int) -> int | None:
    """When a living process started, in clock ticks since boot (field 22); None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def parent(pid: int) -> int:
    """The parent's pid; 0 when there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def marked(home: Path) -> Iterator[Marked]:
    """Every living process that a pod of this home has started, directly or not, and that kept its environment."""
    wanted = f"{HOME_MARK}={home}".encode()
    ours = os.geteuid()
    with os.scandir("/proc") as entries:
        for entry in entries:
            if not entry.name.isdigit():
                continue
            try:
                if entry.stat().st_uid != ours:
                    continue
                environ = Path(entry.path, "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted not in environ:
                continue
            uid, container = _value(environ, POD_MARK), _value(environ, CONTAINER_MARK)
            started = start_time(int(entry.name))
            if uid and started is not None:
                yield Marked(int(entry.name), started, uid, container)


def send(process: Marked, number: signal.Signals) -> bool:
    """Signals exactly this process: a pid that has been given to another since is left alone."""
    with suppress(OSError):
        handle = os.pidfd_open(process.pid)
        try:
            if start_time(process.pid) == process.started:
                signal.pidfd_send_signal(handle, number)
                return True
        finally:
            os.close(handle)
    return False


def _value(environ: list[bytes], name: str) -> str:
    prefix = f"{name}=".encode()
    return next((item[len(prefix) :].decode() for item in environ if item.startswith(prefix)), "")
