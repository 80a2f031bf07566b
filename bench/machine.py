"""Shared by the measurements: the command, its address, their duration, and memory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ADDRESS = "127.250.0.1"


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
    found: dict[str, float] = {}
    for kind, folder in _processes(home):
        with suppress(OSError):
            rollup = (folder / "smaps_rollup").read_text()
            pss = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
            found[kind] = found.get(kind, 0.0) + pss / 1024
    return found


def processes_cpu(home: Path) -> dict[str, float]:
    """Seconds of CPU time of each part since its start."""
    found: dict[str, float] = {}
    for kind, folder in _processes(home):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            found[kind] = found.get(kind, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def _processes(home: Path) -> Iterator[tuple[str, Path]]:
    """The home's processes: envoy, daemon or services, and the folder in /proc."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environ = (folder / "environ").read_bytes()
            cwd = str((folder / "cwd").readlink())
        except OSError:
            continue
        if command and (str(home) in command or cwd.startswith(str(home)) or str(home).encode() in environ):
            kind = "envoy" if "envoy" in command.split()[0] else "daemon" if "mesh.daemon" in command else "services"
            yield kind, folder
