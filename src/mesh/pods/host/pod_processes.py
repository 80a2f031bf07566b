"""The processes that a home's pods have started, as /proc shows them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mesh.procfs import HostProcess, start_time

POD_MARK = "MESHMALL_POD_UID"
CONTAINER_MARK = "MESHMALL_CONTAINER"
HOME_MARK = "MESHMALL_HOME"

STDOUT_AND_STDERR = ("1", "2")


class PodProcess(NamedTuple):
    """A living process that belongs to a container of a pod."""

    process: HostProcess
    pod_uid: str
    container: str


def output_folder(home: Path) -> Path:
    """Where the FIFOs are that carry the output of a home's containers: `<pod's uid>/<container>.<restart>`."""
    return home / "run" / "output"


def is_on_this_network(pid: int) -> bool:
    """Whether a process is in this process's network namespace; True too when that cannot be seen."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")  # noqa: PTH115
    except OSError:
        return True


def pod_processes(home: Path) -> Iterator[PodProcess]:
    """Every living process that a pod of this home has started, directly or not.

    A process is recognised by its environment, or by its stdout or stderr: some programs overwrite their environment
    to change their title, and some start their children with an empty one, but few do that and also redirect both.
    """
    mark = f"{HOME_MARK}={home}".encode()
    outputs = f"{output_folder(home.resolve())}/"
    user = os.geteuid()
    with os.scandir("/proc") as entries:
        for entry in entries:
            if not entry.name.isdigit():
                continue
            try:
                if entry.stat().st_uid != user:
                    continue
            except OSError:
                continue
            owner = _owner_by_environment(entry.path, mark) or _owner_by_output(entry.path, outputs)
            if owner is None:
                continue
            started = start_time(int(entry.name))
            if started is not None:
                yield PodProcess(HostProcess(int(entry.name), started), *owner)


def _owner_by_environment(folder: str, mark: bytes) -> tuple[str, str] | None:
    try:
        variables = Path(folder, "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    uid = _value(variables, POD_MARK)
    return (uid, _value(variables, CONTAINER_MARK)) if uid and mark in variables else None


def _owner_by_output(folder: str, outputs: str) -> tuple[str, str] | None:
    for descriptor in STDOUT_AND_STDERR:
        with suppress(OSError):
            target = os.readlink(f"{folder}/fd/{descriptor}")  # noqa: PTH115 - a Path costs more than the call
            if target.startswith(outputs):
                # A FIFO that has been removed already reads "<path> (deleted)".
                uid, _, name = target.removeprefix(outputs).removesuffix(" (deleted)").partition("/")
                return uid, name.rpartition(".")[0]
    return None


def _value(variables: list[bytes], name: str) -> str:
    prefix = f"{name}=".encode()
    value = next((variable for variable in variables if variable.startswith(prefix)), prefix)
    return value.removeprefix(prefix).decode(errors="replace")
