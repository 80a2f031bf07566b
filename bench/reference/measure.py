"""The mesh beside its references: `python -m bench reference`.

BENCH_BEFORE names the Python of another checkout, whose mesh and mall are then measured as well:

    git worktree add /tmp/before COMMIT && make -C /tmp/before .venv/.ready
    BENCH_BEFORE=/tmp/before/.venv/bin/python make bench

Every round runs all systems once, in turns, and ratios are of runs of the same round.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from bench.load import Load, load
from bench.machine import ROUNDS, SECONDS, Usage, usage
from bench.reference.systems import System, direct, floor, has_compiler, mesh, one_envoy, sidecars

PAGE = "/api/mall"
CONNECTIONS = (1, 8)
VERSIONS = ("v1", "v2")
MESH, BEFORE = "mesh", "mesh before"
Json = dict[str, Any]
Make = Callable[[], AbstractContextManager[System]]


def systems() -> dict[str, Make]:
    """What is compared, by name."""
    before = os.environ.get("BENCH_BEFORE")
    result: dict[str, Make] = {MESH: lambda: mesh(sys.executable, "127.250.0.1")}
    if before:
        result[BEFORE] = lambda: mesh(before, "127.250.0.2")
        result["no mesh before"] = lambda: direct(before)
    result |= {"two Envoys per hop": sidecars, "one bare Envoy": one_envoy, "no mesh": direct}
    if has_compiler():
        result |= {
            "smallest programs, one bare Envoy": lambda: floor(envoy=True),
            "smallest programs": lambda: floor(envoy=False),
        }
    return result


async def measure() -> Json:
    """The content of `reference.json`: the runs of each system by version and connections, and its memory in MB."""
    runs: dict[str, dict[str, list[Json]]] = {}
    with ExitStack() as stack:
        running = {name: await asyncio.to_thread(stack.enter_context, make()) for name, make in systems().items()}
        for name, system in running.items():
            runs[name] = {f"{version}, {number}": [] for version in VERSIONS for number in CONNECTIONS}
            for version in VERSIONS:
                # What only the first requests pay for is no part of the speed.
                await _load(system, version, max(CONNECTIONS), 1)
        for number in range(ROUNDS):
            order = list(running)
            for version in VERSIONS:
                for connections in CONNECTIONS:
                    for name in order if number % 2 else reversed(order):
                        run = await _run(running[name], version, connections)
                        runs[name][f"{version}, {connections}"].append(run)
        memory = {name: _memory(system) for name, system in running.items()}
    return {"rounds": ROUNDS, "seconds": SECONDS, "runs": runs, "memory_mb": memory}


async def _load(system: System, version: str, connections: int, seconds: float) -> Load:
    host, port = system.addresses[version]
    return await load(host, port, PAGE, "user=jason", connections, seconds, system.more[version])


async def _run(system: System, version: str, connections: int) -> Json:
    before = {part: usage(pids) for part, pids in system.pids().items()}
    run = await _load(system, version, connections, SECONDS)
    after = {part: usage(pids) for part, pids in system.pids().items()}
    pages = max(run.count, 1)

    def per_page(value: Callable[[Usage], float]) -> dict[str, float]:
        return {part: (value(after[part]) - value(before[part])) / pages for part in after if part in before}

    return {
        "rate": round(run.rate, 1),
        "p50_ms": round(run.p50, 3),
        "p99_ms": round(run.p99, 3),
        "wrong": run.wrong,
        "cpu_ms": per_page(lambda used: used.seconds * 1000),
        "switches": per_page(lambda used: used.switches),
    }


def _memory(system: System) -> dict[str, float]:
    return {part: usage(pids).megabytes for part, pids in system.pids().items()}


def tables(result: Json) -> Iterator[tuple[str, list[list[str]]]]:
    """For each version and number of connections: a title, and a row for each system with pages/s, their ratio to the
    mesh's, p50, p99, CPU and context switches per page, in all and by part, and the number of wrong answers."""
    for setting in result["runs"][MESH]:
        version, _, connections = setting.partition(", ")
        reference = result["runs"][MESH][setting]
        rows = []
        for name, settings in result["runs"].items():
            runs = settings[setting]
            ratios = [run["rate"] / other["rate"] for run, other in zip(runs, reference, strict=True)]
            rows.append(
                [
                    name,
                    f"{_median(runs, 'rate'):,.0f}/s",
                    f"{statistics.median(ratios):.2f}",
                    f"{_median(runs, 'p50_ms'):.2f}",
                    f"{_median(runs, 'p99_ms'):.1f}",
                    _parts(runs, "cpu_ms", ".2f"),
                    _parts(runs, "switches", ".0f"),
                    str(sum(run["wrong"] for run in runs)),
                ]
            )
        yield f"mall {version}, {connections} connection{'' if connections == '1' else 's'}", rows


def memory_rows(result: Json) -> Iterator[list[str]]:
    """For the table: the memory of each system, in all and by part."""
    for name, parts in result["memory_mb"].items():
        yield [name, f"{sum(parts.values()):.0f} MB", ", ".join(f"{part} {size:.0f}" for part, size in parts.items())]


def _median(runs: list[Json], name: str) -> float:
    return float(statistics.median(run[name] for run in runs))


def _parts(runs: list[Json], name: str, form: str) -> str:
    """The median of the sum, and of each part."""
    total = statistics.median(sum(run[name].values()) for run in runs)
    values = {part: statistics.median(run[name].get(part, 0.0) for run in runs) for part in runs[0][name]}
    parts = ", ".join(f"{part} {value:{form}}" for part, value in values.items())
    return f"{total:{form}} ({parts})" if len(values) > 1 else f"{total:{form}}"
