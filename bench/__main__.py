"""`make bench`: speed, start-up, memory, time to effect; a table on the screen, JSON in `bench/results`.

What is compared runs interleaved (A B A B ...), and medians and ratios are reported, because machines are noisy.
BENCH_SECONDS (3) and BENCH_ROUNDS (5) set how long it takes. `python -m bench NAME ...` runs parts of it (PARTS below).
"""

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from bench import api, branches, network, page, telemetry
from bench import console as console_page
from bench.load import Load, first_page, load
from bench.machine import ADDRESS, ON_LOOPBACK, ROUNDS, SECONDS, meshmall, processes_memory
from bench.reference import measure as reference

ROOT = Path(__file__).parents[1]
SERVICES = ("mall", "users", "recommend", "discount", "products", "scores", "sales", "stock")


class Direct:
    """The same services without Envoy: each calls the next directly."""

    def __enter__(self) -> int:
        self._processes: list[subprocess.Popen[bytes]] = []
        addresses: dict[str, str] = {}
        port = 0
        for name in reversed(SERVICES):
            process = subprocess.Popen(
                [sys.executable, "-m", f"mall.{name}", "--port", "0"],
                stdout=subprocess.PIPE,
                env={"PATH": os.environ["PATH"], **addresses},
            )
            self._processes.append(process)
            assert process.stdout is not None
            address = json.loads(process.stdout.readline())["address"]
            os.set_blocking(process.stdout.fileno(), False)
            addresses[f"{name.upper()}_URL"] = f"http://{address}"
            port = int(address.rpartition(":")[2])
        return port

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()


async def pages(home: Path) -> dict[str, Any]:
    """Pages per second and latency, through gateway and mesh and without Envoy, and one bare hop."""
    pods = json.loads(meshmall(home, "get", "pods", "-l", "app=sales", "-o", "json"))["items"]
    services = json.loads(meshmall(home, "get", "service", "sales", "-o", "json"))
    hop = "/sales?ids=1,2,3,4,5,6"
    runs: dict[str, list[Load]] = {}
    with Direct() as port:
        for _ in range(ROUNDS):
            for connections in (1, 8):
                for name, host, at, path in (
                    ("mesh", ADDRESS, 8080, "/api/mall"),
                    ("direct", "127.0.0.1", port, "/api/mall"),
                    ("hop, Envoy", services["spec"]["clusterIP"], 7000, hop),
                    ("hop, direct", pods[0]["status"]["podIP"], 7000, hop),
                ):
                    run = await load(host, at, path, "user=jason", connections, SECONDS)
                    runs.setdefault(f"{name}, {connections} connections", []).append(run)
    return {
        name: {
            "rate": statistics.median(run.rate for run in each),
            "p50_ms": statistics.median(run.p50 for run in each),
            "p99_ms": statistics.median(run.p99 for run in each),
            "wrong": sum(run.wrong for run in each),
            "rates": [round(run.rate, 1) for run in each],
        }
        for name, each in runs.items()
    }


async def starts() -> list[float]:
    """Seconds from `up` in an empty home to the first complete page."""
    found = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            begun = time.perf_counter()
            up = asyncio.create_task(asyncio.to_thread(meshmall, home, "up", "--address", ADDRESS))
            await first_page(ADDRESS)
            found.append(time.perf_counter() - begun)
            await up
            meshmall(home, "down")
    return found


async def effects(home: Path) -> list[float]:
    """Milliseconds from the write of a rule to the first request that follows it, with the API's client."""
    from mesh.client.api import Client  # noqa: PLC0415

    client = Client(home)
    services = json.loads(meshmall(home, "get", "service", "scores", "-o", "json"))
    address = services["spec"]["clusterIP"]
    before = json.loads(meshmall(home, "get", "virtualservice", "scores", "-o", "json"))
    found = []
    for number in range(20):
        status = 201 + number % 2
        body = json.loads(json.dumps(before))
        body["metadata"] = {"name": "scores", "namespace": "mesh"}
        body["spec"] = {"hosts": ["scores"], "http": [{"directResponse": {"status": status}}]}
        begun = time.perf_counter()
        client.apply([body], namespace="mesh")
        while True:
            reader, writer = await asyncio.open_connection(address, 7000)
            writer.write(b"GET / HTTP/1.1\r\nhost: scores:7000\r\nconnection: close\r\n\r\n")
            line = await reader.readline()
            writer.close()
            if line.split()[1] == str(status).encode():
                break
        found.append((time.perf_counter() - begun) * 1000)
    client.apply([{**before, "metadata": {"name": "scores", "namespace": "mesh"}}], namespace="mesh")
    return found


async def measure_mall(console: Console) -> None:
    """The mall on the mesh: pages, start, memory, time to effect."""
    started = await starts()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        meshmall(home, "up", "--address", ADDRESS, *ON_LOOPBACK)
        try:
            speed = await pages(home)
            effect = await effects(home)
            megabytes = processes_memory(home)
        finally:
            meshmall(home, "down")
    report(console, speed, started, effect, megabytes)


def tell(console: Console, name: str, found: Any, rows: Iterable[Sequence[str]]) -> None:
    """A table on the screen, and JSON in `bench/results`."""
    table = Table(name, "median", "aim")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    (ROOT / "bench" / "results" / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")


async def measure_telemetry(console: Console) -> None:
    """The cost of tracing every request."""
    found = await telemetry.measure()
    tell(console, "telemetry", found, telemetry.rows(found))


async def measure_api(console: Console) -> None:
    """The Kubernetes API."""
    found = await asyncio.to_thread(api.measure)
    tell(console, "api", found, api.rows(found))


async def measure_console(console: Console) -> None:
    """The console with many branches and requests."""
    found = await console_page.measure()
    if found is None:
        console.print("no Chromium: the console was not measured")
    else:
        tell(console, "console", found, console_page.rows(found))


async def measure_page(console: Console) -> None:
    """The shop's page."""
    found = await page.measure()
    if found is None:
        console.print("no Chromium: the shop's page was not measured")
    else:
        tell(console, "page", found, page.rows(found))


async def measure_network(console: Console) -> None:
    """Both network modes."""
    result = await network.measure()
    tell(console, "network", result, network.rows(result))


async def measure_reference(console: Console) -> None:
    """The mesh beside the same mall without it, with sidecars, and the smallest possible programs."""
    result = await reference.measure()
    wide = Console(width=160)
    for title, rows in reference.tables(result):
        columns = ("system", "pages", "x mesh", "p50 ms", "p99 ms", "CPU ms a page", "switches a page", "wrong")
        table = Table(*columns, title=title)
        for row in rows:
            table.add_row(*row)
        wide.print(table)
    tell(console, "reference", result, reference.memory_rows(result))


async def measure_branches(console: Console) -> None:
    """What branches cost, with the plots of the docs."""
    found = await branches.measure()
    tell(console, "branches", found, branches.rows(found))
    branches.draw(found)


PARTS = {
    "mall": measure_mall,
    "api": measure_api,
    "branches": measure_branches,
    "console": measure_console,
    "network": measure_network,
    "page": measure_page,
    "reference": measure_reference,
    "telemetry": measure_telemetry,
}


def report(
    console: Console,
    speed: dict[str, Any],
    started: Sequence[float],
    effect: Sequence[float],
    megabytes: dict[str, float],
) -> None:
    """Prints the table and writes the JSON."""
    table = Table("measure", "median", "p50 ms", "p99 ms", "wrong", "aim")
    aims = {"mesh, 8 connections": ">= 1,000/s", "mesh, 1 connections": "p50 <= 2 ms"}
    for name, each in speed.items():
        table.add_row(
            name,
            f"{each['rate']:,.0f}/s",
            f"{each['p50_ms']:.2f}",
            f"{each['p99_ms']:.2f}",
            str(each["wrong"]),
            aims.get(name, ""),
        )
    for connections in (1, 8):
        ratio = speed[f"mesh, {connections} connections"]["rate"] / speed[f"direct, {connections} connections"]["rate"]
        table.add_row(f"mesh / direct, {connections} connections", f"{ratio:.2f}", "", "", "", "")
    table.add_row("up to the first good page", f"{statistics.median(started):.2f} s", "", "", "", "<= 3 s")
    table.add_row("apply to effect", f"{statistics.median(effect):.1f} ms", "", f"{max(effect):.1f}", "", "")
    total = sum(megabytes.values())
    parts = ", ".join(f"{name} {size:.0f}" for name, size in sorted(megabytes.items()))
    table.add_row(f"memory, PSS ({parts})", f"{total:.0f} MB", "", "", "", "<= 500 MB")
    console.print(table)
    results = ROOT / "bench" / "results"
    results.mkdir(parents=True, exist_ok=True)
    path = results / "mall.json"
    body = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "speed": speed,
        "up_to_first_page_s": list(started),
        "apply_to_effect_ms": list(effect),
        "memory_mb": megabytes,
    }
    path.write_text(json.dumps(body, indent=2) + "\n")
    console.print(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    for name in sys.argv[1:] or PARTS:
        uvloop.run(PARTS[name](Console()))
