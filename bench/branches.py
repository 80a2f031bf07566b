"""The cost of branches: speed, memory and time to effect with 0, 1, 100 and 1,000 of them, in interleaved runs.

Part of `make bench`; BENCH_BRANCHES=0,1000,5000 chooses other numbers, and BENCH_EFFECT=0,1000,5000 those for which the
time to effect and the processor time of a change are measured. Every branch has its own cookie and changes two services
to an existing version, so that every branch is in the look-up of these services' hosts, at the gateway and inside the
mesh.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.load import Load, load
from bench.machine import ADDRESS, ON_LOOPBACK, ROUNDS, SECONDS, meshmall, processes_cpu, processes_memory
from bench.plot import plot
from mesh.client.api import Client
from mesh.resources.values.ref import Ref

COUNTS = tuple(int(word) for word in os.environ.get("BENCH_BRANCHES", "0,1,100,1000").split(","))
# One more branch must take effect as fast beside 5,000 as beside none.
EFFECT_COUNTS = tuple(int(word) for word in os.environ.get("BENCH_EFFECT", "0,1,100,1000,5000").split(","))
CHANGES = 20
# Seconds: thousands of branches are created at once.
PATIENCE = 300.0
HOP = "/sales?ids=1,2,3,4,5,6"
ROOT = Path(__file__).parents[1]
Body = dict[str, Any]


def branch(name: str, services: Body | None = None) -> Body:
    """A branch that changes two services to the version they already have."""
    entry = {"cookie": {"name": "user", "value": name}}
    given = services or {"products": {"version": "v1"}, "sales": {"version": "v1"}}
    spec = {"enter": [entry], "services": given}
    metadata = {"name": name, "namespace": "mesh"}
    return {"apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": metadata, "spec": spec}


class Crowd:
    """Creates and deletes branches, to have a given number of them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._count = 0

    def set(self, count: int) -> None:
        """Creates or deletes branches until there are `count`, and waits for Envoy."""
        if count > self._count:
            made = [branch(f"b{number}") for number in range(self._count, count)]
            version = self._client.apply(made, namespace="mesh").version
        else:
            gone = [Ref("meshmall.dev", "Branch", "mesh", f"b{number}") for number in range(count, self._count)]
            version = self._client.delete(gone).version if gone else 0
        self._client.sync(version or 0, timeout=PATIENCE)
        self._count = count


async def speed(home: Path, crowd: Crowd) -> dict[str, dict[int, list[Load]]]:
    """Loads by what is asked and the number of branches; each round goes through all numbers."""
    services = json.loads(meshmall(home, "get", "service", "sales", "-o", "json"))
    at = services["spec"]["clusterIP"]
    found: dict[str, dict[int, list[Load]]] = {}
    for _ in range(ROUNDS):
        for count in COUNTS:
            crowd.set(count)
            # The controller tells each new branch's status; what is measured is the time after.
            await asyncio.sleep(1.0 if count < 1000 else 4.0)
            runs = {
                "one hop, baseline": (at, 7000, HOP, "user=xx", ""),
                "one hop, in a branch": (at, 7000, HOP, "user=xx", f"x-branch: b{max(0, count // 2)}\r\n"),
                "/api/mall, baseline": (ADDRESS, 8080, "/api/mall", "user=xx", ""),
                "/api/mall, in a branch": (ADDRESS, 8080, "/api/mall", f"user=b{max(0, count // 2)}", ""),
            }
            for name, (host, port, path, cookie, more) in runs.items():
                run = await load(host, port, path, cookie, 8, SECONDS, more)
                found.setdefault(name, {}).setdefault(count, []).append(run)
    return found


async def entered(cookie: str) -> bool:
    """Do requests with this cookie enter a branch?"""
    reader, writer = await asyncio.open_connection(ADDRESS, 8080)
    request = f"GET /healthz/live HTTP/1.1\r\nhost: {ADDRESS}:8080\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n"
    writer.write(request.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return b"x-branch:" in head.lower()


async def until(cookie: str, wanted: bool) -> None:
    """Returns when the gateway does."""
    while await entered(cookie) is not wanted:  # noqa: ASYNC110 - asked of another process
        await asyncio.sleep(0)


async def effects(client: Client, home: Path) -> tuple[list[float], list[float], list[dict[str, float]]]:
    """Milliseconds from the write of one more branch, and of its deletion, to the first request that meets it; and
    milliseconds of processor time, by part, from before the write until everything is quiet again."""
    made, gone, used = [], [], []
    for number in range(CHANGES):
        name = f"one-more-{number}"
        before = processes_cpu(home)
        begun = time.perf_counter()
        client.apply([branch(name)], namespace="mesh")
        await until(f"user={name}", wanted=True)
        made.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.3)
        used.append({part: (value - before[part]) * 1000 for part, value in processes_cpu(home).items()})
        begun = time.perf_counter()
        client.delete([Ref("meshmall.dev", "Branch", "mesh", name)])
        await until(f"user={name}", wanted=False)
        gone.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.3)
    return made, gone, used


def three_forks(home: Path) -> tuple[list[float], list[float]]:
    """Milliseconds of `branch create` with three forks until the first good answer, and of `branch delete`.

    Both as typed: starting the command is part of it.
    """
    made, gone = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        words = [word for name in ("discount", "products", "recommend") for word in ("--fork", name)]
        meshmall(home, "branch", "create", "forks", *words)
        made.append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        meshmall(home, "branch", "delete", "forks")
        gone.append((time.perf_counter() - begun) * 1000)
    return made, gone


@contextmanager
def running() -> Iterator[tuple[Path, Client]]:
    """A mesh with the mall's v1."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        meshmall(home, "up", "--address", ADDRESS, *ON_LOOPBACK)
        try:
            client = Client(home, timeout=PATIENCE)
            yield home, client
            client.close()
        finally:
            meshmall(home, "down")


async def measure() -> dict[str, Any]:
    """All of it, as it is written to `branches.json`."""
    with running() as (home, client):
        crowd = Crowd(client)
        loads = await speed(home, crowd)
    forks: dict[str, list[float]] = {}
    effect: dict[int, list[float]] = {}
    end: dict[int, list[float]] = {}
    used: dict[int, dict[str, float]] = {}
    memory: dict[int, float] = {}
    for count in sorted({*COUNTS, *EFFECT_COUNTS}):
        with running() as (home, client):
            await load(ADDRESS, 8080, "/api/mall", "user=xx", 8, 1)
            Crowd(client).set(count)
            # The controller still writes the status of each: a second for a hundred of them.
            await asyncio.sleep(5.0 + count / 100)
            await load(ADDRESS, 8080, "/api/mall", "user=xx", 8, 1)
            held = processes_memory(home)
            memory[count] = held["daemon"] + held["envoy"]
            if count in EFFECT_COUNTS:
                effect[count], end[count], changes = await effects(client, home)
                used[count] = {part: statistics.mean(change[part] for change in changes) for part in changes[0]}
            if count == 0:
                forks["create_ms"], forks["delete_ms"] = three_forks(home)
    most = max(COUNTS)
    return {
        "counts": list(COUNTS),
        "speed": {
            name: {
                str(count): {
                    "rate": statistics.median(run.rate for run in runs),
                    "p99_ms": statistics.median(run.p99 for run in runs),
                    "wrong": sum(run.wrong for run in runs),
                    "ratio": _ratio(by_count, count),
                }
                for count, runs in by_count.items()
            }
            for name, by_count in loads.items()
        },
        "apply_to_effect_ms": {str(count): sorted(each) for count, each in effect.items()},
        "delete_to_gone_ms": {str(count): sorted(each) for count, each in end.items()},
        "cpu_of_a_change_ms": {str(count): parts for count, parts in used.items()},
        "memory_mb": {str(count): value for count, value in memory.items()},
        "memory_a_branch_kb": (memory[most] - memory[0]) * 1024 / most if most else 0.0,
        "three_forks": forks,
    }


def _ratio(by_count: dict[int, list[Load]], count: int) -> float:
    """The median of each round's ratio to that round's run without branches."""
    return statistics.median(run.rate / base.rate for run, base in zip(by_count[count], by_count[0], strict=True))


def rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Measure, figure, aim."""
    told = []
    for name, by_count in found["speed"].items():
        for count, each in by_count.items():
            figure = f"{each['rate']:,.0f}/s, p99 {each['p99_ms']:.2f} ms, {each['ratio']:.2f} of none"
            aim = ">= 0.95" if count == str(max(found["counts"])) else ""
            told.append((f"{name}, {count} branches", figure, aim))
    for key, name, aim in (
        ("apply_to_effect_ms", "apply to effect", "p50 <= 25 ms"),
        ("delete_to_gone_ms", "delete to gone", "<= 200 ms"),
    ):
        for count, values in found[key].items():
            told.append(
                (f"{name}, {count} branches", f"p50 {statistics.median(values):.1f} ms, max {values[-1]:.1f}", aim)
            )
    for count, parts in found["cpu_of_a_change_ms"].items():
        figure = ", ".join(f"{part} {parts[part]:.1f}" for part in ("daemon", "envoy")) + " ms"
        told.append((f"processor time of a change, {count} branches", figure, "<= 10 ms"))
    told.append(("memory a branch, Envoy and daemon", f"{found['memory_a_branch_kb']:.0f} KB", "<= 50 KB"))
    create, delete = found["three_forks"]["create_ms"], found["three_forks"]["delete_ms"]
    told.append(("branch create, three forks, to the first answer", f"{statistics.median(create):,.0f} ms", "<= 1 s"))
    told.append(("branch delete, gone", f"{statistics.median(delete):,.0f} ms", "<= 200 ms"))
    return told


def draw(found: dict[str, Any]) -> None:
    """The plots of the docs, one a measure."""
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    counts = found["counts"]
    series = {name: [each[str(count)]["ratio"] for count in counts] for name, each in found["speed"].items()}
    plot(folder / "branches-speed.svg", "throughput, of that without branches", counts, series, zero=True)
    effect, gone = found["apply_to_effect_ms"], found["delete_to_gone_ms"]
    medians = {
        "apply to effect": list(map(statistics.median, effect.values())),
        "delete to gone": list(map(statistics.median, gone.values())),
    }
    plot(folder / "branches-effect.svg", "milliseconds, p50", [int(count) for count in effect], medians, zero=True)
    memory = {"Envoy and daemon": [found["memory_mb"][str(count)] for count in counts]}
    plot(folder / "branches-memory.svg", "megabytes (PSS)", counts, memory, zero=True)
