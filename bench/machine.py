"""Shared by the measurements: the command, its address, their duration, and memory."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ADDRESS = "127.250.0.1"
# Measurements that ask one service from outside need its address to be the host's: pods' networks are not.
ON_LOOPBACK = ("--network", "loopback")


def meshmall(home: Path, *words: str, stdin: str | None = None) -> str:
    """Runs the command; raises CalledProcessError when it fails."""
    ended = subprocess.run(
        [sys.executable, "-m", "meshmall", *words],
        env={**os.environ, "MESHMALL_HOME": str(home)},
        capture_output=True,
        text=True,
        input=stdin,
        check=True,
        timeout=120,
    )
    return ended.stdout


def processes_memory(home: Path) -> dict[str, float]:
    """Megabytes of each part: PSS, which counts a page shared by n processes as 1/n in each."""
    megabytes: dict[str, float] = {}
    for kind, folder in _processes(home):
        with suppress(OSError):
            rollup = (folder / "smaps_rollup").read_text()
            pss = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
            megabytes[kind] = megabytes.get(kind, 0.0) + pss / 1024
    return megabytes


def processes_cpu(home: Path) -> dict[str, float]:
    """Seconds of CPU time of each part since its start."""
    seconds: dict[str, float] = {}
    for kind, folder in _processes(home):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            seconds[kind] = seconds.get(kind, 0.0) + ticks / os.sysconf("SC_CLK_TCK")
    return seconds


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
