"""What the processes of pods use: CPU between two samples of /proc, and memory.

Memory is their proportional set size: pages that several processes share are divided among them.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mesh.procfs import HostProcess, descendants, start_time
from mesh.store import Store

SHORTEST, LONGEST = 0.5, 60.0
TICK = os.sysconf("SC_CLK_TCK")

Key = tuple[str, str]
"""A pod's uid and a container's name."""


class Sample(NamedTuple):
    """One scan of /proc, at monotonic time `when`: CPU seconds of each process and of the whole machine."""

    when: float
    processes: Mapping[HostProcess, float]
    containers: Mapping[HostProcess, Key]
    machine: float


class ContainerUsage(NamedTuple):
    """Cores, on average over the window, and bytes."""

    cores: float
    memory: int


class Usage(NamedTuple):
    """What containers use; `window` is the seconds that were measured."""

    window: float
    containers: Mapping[Key, ContainerUsage]
    machine_cores: float = 0.0


class UsageMeter:
    """Measures a store's pods; calls in quick succession share a sample."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: Sample | None = None
        self._busy = asyncio.Lock()

    async def measure(self, uids: Iterable[str]) -> Usage:
        """What the containers of the pods with these uids use."""
        before, now = await self._samples()
        selected = set(uids)
        cpu: defaultdict[Key, float] = defaultdict(float)
        pids_of: defaultdict[Key, list[int]] = defaultdict(list)
        for process, key in now.containers.items():
            if key[0] in selected:
                # A process that began between the samples has no former one: all of its time counts.
                cpu[key] += max(0.0, now.processes[process] - before.processes.get(process, 0.0))
                pids_of[key].append(process[0])
        # In a thread: the kernel walks all pages of a process for its proportional set size.
        memory = await asyncio.to_thread(lambda: {key: sum(map(_memory, pids)) for key, pids in pids_of.items()})
        window = now.when - before.when
        containers = {key: ContainerUsage(cpu[key] / window, memory[key]) for key in sorted(pids_of)}
        return Usage(window, containers, (now.machine - before.machine) / window)

    async def _samples(self) -> tuple[Sample, Sample]:
        """Two samples, far enough apart for a rate and near enough for the present one."""
        async with self._busy:
            before = self._last
            now = await asyncio.to_thread(_sample, _running(self._store))
            # Too old a sample would show the average of the last hour.
            if before is None or now.when - before.when > LONGEST:
                before = now
            if now.when - before.when < SHORTEST:
                await asyncio.sleep(SHORTEST - (now.when - before.when))
                now = await asyncio.to_thread(_sample, _running(self._store))
            self._last = now
            return before, now


def _running(store: Store) -> dict[Key, int]:
    """The pid of each running container: its status has it, whatever the container runs in."""
    pids: dict[Key, int] = {}
    for pod in store.list("", "Pod"):
        for status in (pod.body.get("status") or {}).get("containerStatuses") or []:
            _, _, pid = str(status.get("containerID") or "").partition("://")
            if "running" in (status.get("state") or {}) and pid.isdigit():
                pids[pod.uid, str(status["name"])] = int(pid)
    return pids


def _sample(running: Mapping[Key, int]) -> Sample:
    processes, containers = {}, {}
    when = time.monotonic()
    for key, pid in running.items():
        for process in (HostProcess(pid, start_time(pid) or 0), *descendants(pid)):
            with suppress(OSError, IndexError, ValueError):
                fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
                processes[process] = (int(fields[11]) + int(fields[12])) / TICK
                containers[process] = key
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    # user, nice, system, irq and softirq of proc(5); idle, iowait and steal are no use of the machine.
    busy = sum(int(fields[place]) for place in (0, 1, 2, 5, 6))
    return Sample(when, processes, containers, busy / TICK)


def _memory(pid: int) -> int:
    """A process's proportional set size in bytes; 0 when it has ended."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
