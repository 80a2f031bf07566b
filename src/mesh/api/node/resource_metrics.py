"""What pods and the machine use: `metrics.k8s.io/v1beta1`, which `kubectl top` prints.

CPU is what the processes of a container took between two looks at /proc, memory their proportional set size (what
they share is divided among those who share it).
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
from mesh.api.transport.status_errors import Problem
from mesh.pods.host.procfs import HostProcess, pod_processes
from mesh.resources.values.body import Body
from mesh.store import Store, Stored, timestamp

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
SHORTEST, LONGEST = 0.5, 60.0
TICK = os.sysconf("SC_CLK_TCK")
Key = tuple[str, str]


class Look(NamedTuple):
    """One look at /proc: when (monotonic seconds), the CPU seconds of each process, and of the whole machine.

    `processes` are CPU seconds, `containers` the pod uid and container of each process.
    """

    when: float
    processes: Mapping[HostProcess, float]
    containers: Mapping[HostProcess, Key]
    machine: float


class Usage:
    """Measures one home's pods when it is asked; two asked in a row share a look."""

    def __init__(self, store: Store, home: Path, node: str) -> None:
        self._store = store
        self._home = home
        self._node = node
        self._last: Look | None = None
        self._busy = asyncio.Lock()

    async def answer(self, path: list[str], labels: str, fields: str) -> Body:
        """What is below `/apis/metrics.k8s.io/v1beta1/`. Raises Problem (400, 404)."""
        match path:
            case ["nodes"]:
                return _list("NodeMetricsList", [await self._machine()])
            case ["nodes", name] if name == self._node:
                return await self._machine()
            case ["pods"]:
                return _list("PodMetricsList", await self._pods(self._store.list("", "Pod"), labels, fields))
            case ["namespaces", namespace, "pods"]:
                pods = self._store.list("", "Pod", namespace)
                return _list("PodMetricsList", await self._pods(pods, labels, fields))
            case ["namespaces", namespace, "pods", name]:
                named = [each for each in self._store.list("", "Pod", namespace) if each.ref.name == name]
                if found := await self._pods(named, "", ""):
                    return found[0]
                raise Problem(404, f'podmetrics.{GROUP} "{namespace}/{name}" not found')
        raise Problem(404, f"the server could not find the requested resource: {GROUP} has nodes and pods")

    async def _pods(self, pods: Iterable[Stored], labels: str, fields: str) -> list[Body]:
        matches = selection(labels, fields, "Pod")
        wanted = [each for each in pods if matches is None or matches(each.body)]
        if not wanted:
            return []
        before, now = await self._looks()
        cpu: defaultdict[Key, float] = defaultdict(float)
        own: defaultdict[Key, list[int]] = defaultdict(list)
        uids = {each.uid for each in wanted}
        for process, key in now.containers.items():
            if key[0] in uids:
                cpu[key] += max(0.0, now.processes[process] - before.processes.get(process, 0.0))
                own[key].append(process[0])
        memory = await asyncio.to_thread(lambda: {key: sum(map(_memory, pids)) for key, pids in own.items()})
        window = now.when - before.when
        return [
            _metrics(
                "PodMetrics",
                each.ref.name,
                window,
                namespace=each.ref.namespace,
                labels=each.metadata.get("labels") or {},
                containers=[
                    {"name": key[1], "usage": _usage(cpu[key] / window, memory[key])}
                    for key in sorted(own)
                    if key[0] == each.uid
                ],
            )
            for each in wanted
            if any(key[0] == each.uid for key in own)
        ]

    async def _machine(self) -> Body:
        before, now = await self._looks()
        window = now.when - before.when
        used = _usage((now.machine - before.machine) / window, _memory_of_machine())
        return _metrics("NodeMetrics", self._node, window, usage=used)

    async def _looks(self) -> tuple[Look, Look]:
        """Two looks, far enough from each other to tell a rate and near enough to tell it of now."""
        async with self._busy:
            before = self._last
            now = await asyncio.to_thread(_look, self._home)
            if before is None or now.when - before.when > LONGEST:
                before = now
            if now.when - before.when < SHORTEST:
                await asyncio.sleep(SHORTEST - (now.when - before.when))
                now = await asyncio.to_thread(_look, self._home)
            self._last = now
            return before, now


def _look(home: Path) -> Look:
    processes, containers = {}, {}
    when = time.monotonic()
    for process, pod_uid, container in pod_processes(home):
        with suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            processes[process] = (int(fields[11]) + int(fields[12])) / TICK
            containers[process] = (pod_uid, container)
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    busy = sum(int(fields[place]) for place in (0, 1, 2, 5, 6))
    return Look(when, processes, containers, busy / TICK)


def _memory(pid: int) -> int:
    """A process's proportional set size in bytes; 0 when it has gone."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def memory_info() -> dict[str, int]:
    """/proc/meminfo, in bytes."""
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        found[name] = int(value.split()[0]) * 1024
    return found


def _memory_of_machine() -> int:
    info = memory_info()
    return info["MemTotal"] - info["MemAvailable"]


def _usage(cores: float, memory: int) -> dict[str, str]:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{memory // 1024}Ki"}


def _metrics(kind: str, name: str, window: float, *, namespace: str = "", labels: Any = None, **more: Any) -> Body:
    metadata: Body = {"name": name, "creationTimestamp": timestamp()}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    told = {"timestamp": timestamp(), "window": f"{window:.3f}s", **more}
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": metadata, **told}


def _list(kind: str, items: list[Body]) -> Body:
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}
