"""Shared by the measurements: the command, its address, their duration, and memory."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ADDRESS = "127.250.0.1"
# Measurements that ask one service from outside need its address to be the host's: pods' networks are not.
ON_LOOPBACK = ("--network", "loopback")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of some processes since their start: seconds of CPU time and context switches; and their memory now (PSS)."""

    seconds: float
    switches: int
    megabytes: float


def meshmall(home: Path, *words: str, stdin: str | None = None, python: str = sys.executable) -> str:
    """Runs the command with this Python; raises CalledProcessError when it fails."""
    ended = subprocess.run(
        [python, "-m", "meshmall", *words],
        env={**os.environ, "MESHMALL_HOME": str(home)},
        capture_output=True,
        text=True,
        input=stdin,
        check=True,
        timeout=120,
    )
    return ended.stdout


def processes(home: Path) -> dict[str, list[int]]:
    """The processes of a home by part: daemon, agent, envoy, edge, services."""
    pids: dict[str, list[int]] = {}
    for kind, folder in _processes(home):
        pids.setdefault(kind, []).append(int(folder.name))
    return pids


def usage(pids: Iterable[int]) -> Usage:
    """What these processes have used; those that have ended count for nothing."""
    seconds, switches, megabytes = 0.0, 0, 0.0
    for pid in pids:
        folder = Path("/proc", str(pid))
        with suppress(OSError):
            megabytes += _pss(folder)
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            for thread in (folder / "task").iterdir():
                lines = (thread / "status").read_text().splitlines()
                switches += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return Usage(seconds, switches, megabytes)


def processes_memory(home: Path) -> dict[str, float]:
    """Megabytes of each part: PSS, which counts a page shared by n processes as 1/n in each."""
    return {kind: usage(pids).megabytes for kind, pids in processes(home).items()}


def processes_cpu(home: Path) -> dict[str, float]:
    """Seconds of CPU time of each part since its start."""
    return {kind: usage(pids).seconds for kind, pids in processes(home).items()}


def _pss(folder: Path) -> float:
    rollup = (folder / "smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1]) / 1024


def _processes(home: Path) -> Iterator[tuple[str, Path]]:
    """The kind and the folder in /proc of the home's processes: daemon, agent, envoy, edge or services."""
    parents: dict[int, int] = {}
    kinds: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            pid = int(folder.name)
            parents[pid] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environ = (folder / "environ").read_bytes()
            cwd = str((folder / "cwd").readlink())
        except OSError:
            continue
        if command and (str(home) in command or cwd.startswith(str(home)) or str(home).encode() in environ):
            kinds[pid] = _kind(command)
    agents = {pid for pid, kind in kinds.items() if kind == "agent"}
    for pid in parents:
        # Nothing about a program in a container shows the home, except whose child it is.
        if pid not in kinds and agents & set(_ancestors(pid, parents)):
            kinds[pid] = "services"
    for pid, kind in kinds.items():
        yield kind, Path("/proc", str(pid))


def _ancestors(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    while (pid := parents.get(pid, 0)) > 1:
        yield pid


def _kind(command: str) -> str:
    if "envoy" in command.split(maxsplit=1)[0]:
        return "edge" if "edge-bootstrap" in command else "envoy"
    if "mesh.pods.sandbox.agent" in command:
        return "agent"
    return "daemon" if "mesh.daemon" in command else "services"
