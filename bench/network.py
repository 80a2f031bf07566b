"""Pods in network namespaces beside pods on loopback addresses, in turns: `python -m bench network`.

Speed of the mall's page, time from `up` to the first page, memory, and the start of 100 pods. The aims are 0.95 of
loopback's throughput, a first page within 3 s, and 100 pods within 10 s.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.load import Load, first_page, load
from bench.machine import ROUNDS, SECONDS, meshmall, processes_cpu, processes_memory
from mesh.client.api import Client
from mesh.resources.values.ref import Ref

NAMESPACES, LOOPBACK = "namespaces", "loopback"
ADDRESSES = {NAMESPACES: "127.250.0.1", LOOPBACK: "127.250.0.2"}
PAGE = "/api/mall"
CONNECTIONS = (1, 8)
PODS = 100
LIMIT = 120.0
Json = dict[str, Any]


async def measure() -> Json:
    """The content of `network.json`: the runs of each mode by measure, in the order in which they were made."""
    starts = await _starts()
    pods = await _pods()
    with _meshes() as homes:
        speed = await _speed(homes)
        memory = {mode: processes_memory(home) for mode, home in homes.items()}
    return {
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "speed": speed,
        "up_to_first_page_s": starts,
        f"start_of_{PODS}_pods_s": pods,
        "memory_mb": memory,
    }


def rows(result: Json) -> list[list[str]]:
    """For the table: the measure, medians of namespaces / loopback and their ratio, the aim.

    Ratios are of runs next to each other, so that other load on the machine meets both.
    """
    lines = []
    for connections in CONNECTIONS:
        runs = result["speed"][str(connections)]
        aim = ">= 0.95" if connections > 1 else ""
        of = f"{connections} connections" if connections > 1 else "1 connection"
        lines.append([f"pages a second, {of}", _beside(_column(runs, "rate"), ".0f"), aim])
        lines.append([f"  p50, {of}", _beside(_column(runs, "p50_ms"), ".2f", " ms"), ""])
        cpu = {mode: [sum(run["cpu_ms"].values()) for run in runs[mode]] for mode in ADDRESSES}
        # Other load on the machine changes this the least.
        lines.append([f"  processor time a page, {of}", _beside(cpu, ".2f", " ms"), ""])
        for part in sorted({part for mode in ADDRESSES for part in runs[mode][0]["cpu_ms"]}):
            parts = [statistics.median(run["cpu_ms"].get(part, 0.0) for run in runs[mode]) for mode in ADDRESSES]
            lines.append([f"    {part}", " / ".join(f"{value:.2f}" for value in parts) + " ms", ""])
        wrong = {mode: sum(run["wrong"] for run in runs[mode]) for mode in ADDRESSES}
        lines.append([f"  wrong answers, {of}", " / ".join(str(number) for number in wrong.values()), "0"])
    lines.append(["up to the first page", _beside(result["up_to_first_page_s"], ".2f", " s"), "<= 3 s"])
    lines.append([f"start of {PODS} pods", _beside(result[f"start_of_{PODS}_pods_s"], ".1f", " s"), "<= 10 s"])
    memory = result["memory_mb"]
    totals = {mode: [sum(memory[mode].values())] for mode in ADDRESSES}
    lines.append(["memory (PSS)", _beside(totals, ".0f", " MB"), ""])
    for part in sorted({part for mode in ADDRESSES for part in memory[mode]}):
        sizes = " / ".join(f"{memory[mode].get(part, 0):.0f}" for mode in ADDRESSES)
        lines.append([f"  {part}", f"{sizes} MB", ""])
    return lines


def _column(runs: Mapping[str, list[Json]], name: str) -> dict[str, list[float]]:
    return {mode: [run[name] for run in runs[mode]] for mode in ADDRESSES}


def _beside(values: Mapping[str, list[float]], form: str, unit: str = "") -> str:
    medians = " / ".join(f"{statistics.median(values[mode]):{form}}" for mode in ADDRESSES)
    ratios = [new / old for new, old in zip(values[NAMESPACES], values[LOOPBACK], strict=True)]
    return f"{medians}{unit}, {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def _in_turns(number: int) -> list[str]:
    """Both modes; which comes first alternates."""
    return [*ADDRESSES] if number % 2 else [*reversed(ADDRESSES)]


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        try:
            yield home
        finally:
            meshmall(home, "down")


def _up(home: Path, mode: str, *words: str) -> None:
    meshmall(home, "up", "--address", ADDRESSES[mode], "--network", mode, *words)


@contextmanager
def _meshes() -> Iterator[dict[str, Path]]:
    """A mesh of each mode with the mall on it."""
    with _home() as first, _home() as second:
        homes = dict(zip(ADDRESSES, (first, second), strict=True))
        for mode, home in homes.items():
            _up(home, mode)
        yield homes


async def _speed(homes: Mapping[str, Path]) -> dict[str, dict[str, list[Json]]]:
    """Runs by the number of connections and the mode."""
    runs: dict[str, dict[str, list[Json]]] = {str(number): {mode: [] for mode in ADDRESSES} for number in CONNECTIONS}
    for address in ADDRESSES.values():
        # What only the first requests of a mesh pay for is no part of its speed.
        await load(address, 8080, PAGE, "user=x", max(CONNECTIONS), 1)
    for number in range(ROUNDS):
        for connections in CONNECTIONS:
            for mode in _in_turns(number):
                before = processes_cpu(homes[mode])
                run = await load(ADDRESSES[mode], 8080, PAGE, "user=x", connections, SECONDS)
                after = processes_cpu(homes[mode])
                cpu = {part: (after[part] - before.get(part, 0.0)) * 1000 / run.count for part in after}
                runs[str(connections)][mode].append({**_summary(run), "cpu_ms": cpu})
    return runs


def _summary(run: Load) -> Json:
    return {"rate": round(run.rate, 1), "p50_ms": run.p50, "p99_ms": run.p99, "wrong": run.wrong}


async def _starts() -> dict[str, list[float]]:
    """Seconds from `up` in an empty home to the first complete page."""
    seconds: dict[str, list[float]] = {mode: [] for mode in ADDRESSES}
    for number in range(ROUNDS):
        for mode in _in_turns(number):
            with _home() as home:
                begun = time.perf_counter()
                up = asyncio.create_task(asyncio.to_thread(_up, home, mode))
                await first_page(ADDRESSES[mode])
                seconds[mode].append(time.perf_counter() - begun)
                await up
    return seconds


async def _pods() -> dict[str, list[float]]:
    """Seconds from the write of a Deployment to its pods' readiness, in a mesh without anything else."""
    seconds: dict[str, list[float]] = {mode: [] for mode in ADDRESSES}
    for number in range(ROUNDS):
        for mode in _in_turns(number):
            with _home() as home:
                _up(home, mode, "--empty")
                seconds[mode].append(await asyncio.to_thread(_start_pods, home))
    return seconds


def _start_pods(home: Path) -> float:
    container = {"name": "main", "image": "sleeper", "command": ["sleep", "100000"]}
    template = {"metadata": {"labels": {"app": "sleepers"}}, "spec": {"containers": [container]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "sleepers", "namespace": "default"},
        "spec": {"replicas": PODS, "selector": {"matchLabels": {"app": "sleepers"}}, "template": template},
    }
    client = Client(home)
    try:
        begun = time.perf_counter()
        client.apply([deployment], namespace="default")
        while time.perf_counter() < begun + LIMIT:
            status = client.get(Ref("apps", "Deployment", "default", "sleepers")).get("status", {})
            if status.get("readyReplicas") == PODS:
                return time.perf_counter() - begun
            time.sleep(0.02)
    finally:
        client.close()
    raise TimeoutError(f"{status.get('readyReplicas', 0)} of {PODS} pods are ready after {LIMIT:.0f} s")
