"""What pods and the machine use: `metrics.k8s.io/v1beta1`, as printed by `kubectl top`.

CPU is what the processes of a container used between two samples of /proc. Memory is their proportional set size: pages
that several processes share are divided among them.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mesh.api.objects.selectors import selection
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem
from mesh.procfs import HostProcess, descendants, start_time
from mesh.resources.values.body import Body
from mesh.store import Store, Stored, timestamp

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
SHORTEST, LONGEST = 0.5, 60.0
TICK = os.sysconf("SC_CLK_TCK")
Key = tuple[str, str]


class Sample(NamedTuple):
    """One scan of /proc, at monotonic time `when`: CPU seconds of each process and of the whole machine.

    `containers` has the pod's uid and the container's name of each process.
    """

    when: float
    processes: Mapping[HostProcess, float]
    containers: Mapping[HostProcess, Key]
    machine: float


class ResourceMetrics:
    """Measures a store's pods on request; requests in quick succession share a sample."""

    def __init__(self, store: Store, node: str) -> None:
        self._store = store
        self._node = node
        self._last: Sample | None = None
        self._busy = asyncio.Lock()

    async def nodes(self, _request: Request) -> Reply:
        return Reply(_list("NodeMetricsList", [await self._machine()]))

    async def node(self, request: Request) -> Reply:
        """Raises Problem (404)."""
        name = request.parameters["name"]
        if name != self._node:
            raise Problem(404, f'nodemetrics.{GROUP} "{name}" not found')
        return Reply(await self._machine())

    async def pods(self, request: Request) -> Reply:
        """All pods, or those of a namespace, by selectors. Raises Problem (400)."""
        pods = self._store.list("", "Pod", request.parameters.get("namespace"))
        labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        return Reply(_list("PodMetricsList", await self._pods(pods, labels, fields)))

    async def pod(self, request: Request) -> Reply:
        """Raises Problem (404)."""
        namespace, name = request.parameters["namespace"], request.parameters["name"]
        pods = [pod for pod in self._store.list("", "Pod", namespace) if pod.ref.name == name]
        metrics = await self._pods(pods, "", "")
        if not metrics:
            raise Problem(404, f'podmetrics.{GROUP} "{namespace}/{name}" not found')
        return Reply(metrics[0])

    async def _pods(self, pods: Iterable[Stored], labels: str, fields: str) -> list[Body]:
        matches = selection(labels, fields, "Pod")
        selected = [pod for pod in pods if matches is None or matches(pod.body)]
        if not selected:
            return []
        before, now = await self._samples()
        cpu: defaultdict[Key, float] = defaultdict(float)
        pids_of: defaultdict[Key, list[int]] = defaultdict(list)
        uids = {pod.uid for pod in selected}
        for process, key in now.containers.items():
            if key[0] in uids:
                # A process that began between the samples has no former one: all of its time counts.
                cpu[key] += max(0.0, now.processes[process] - before.processes.get(process, 0.0))
                pids_of[key].append(process[0])
        # In a thread: the kernel walks all pages of a process for its proportional set size.
        memory = await asyncio.to_thread(lambda: {key: sum(map(_memory, pids)) for key, pids in pids_of.items()})
        window = now.when - before.when
        return [
            _metrics(
                "PodMetrics",
                pod.ref.name,
                window,
                namespace=pod.ref.namespace,
                labels=pod.metadata.get("labels") or {},
                containers=[
                    {"name": key[1], "usage": _usage(cpu[key] / window, memory[key])}
                    for key in sorted(pids_of)
                    if key[0] == pod.uid
                ],
            )
            for pod in selected
            if any(key[0] == pod.uid for key in pids_of)
        ]

    async def _machine(self) -> Body:
        before, now = await self._samples()
        window = now.when - before.when
        used = _usage((now.machine - before.machine) / window, _memory_of_machine())
        return _metrics("NodeMetrics", self._node, window, usage=used)

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


def memory_info() -> dict[str, int]:
    """/proc/meminfo, in bytes."""
    definition = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        definition[name] = int(value.split()[0]) * 1024
    return definition


def _memory_of_machine() -> int:
    definition = memory_info()
    return definition["MemTotal"] - definition["MemAvailable"]


def _usage(cores: float, memory: int) -> dict[str, str]:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{memory // 1024}Ki"}


def _metrics(kind: str, name: str, window: float, *, namespace: str = "", labels: Any = None, **more: Any) -> Body:
    metadata: Body = {"name": name, "creationTimestamp": timestamp()}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    sample = {"timestamp": timestamp(), "window": f"{window:.3f}s", **more}
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": metadata, **sample}


def _list(kind: str, items: list[Body]) -> Body:
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}
