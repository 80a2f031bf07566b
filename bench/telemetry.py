"""The cost of tracing every request: the same load in turns on two meshes that differ only in that.

Part of `make bench`. The aim is to keep at least 0.9 of the throughput.
"""

import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.load import load
from bench.machine import ON_LOOPBACK, ROUNDS, SECONDS, meshmall, processes_cpu

ON, OFF = "127.250.0.1", "127.250.0.2"
AIM = 0.9
CONNECTIONS = 8
HOP = "/sales?ids=1,2,3,4,5,6"
Json = dict[str, Any]


async def measure() -> Json:
    """The content of `telemetry.json`: rates of each round, and milliseconds of CPU per request, by path and mesh."""
    with tempfile.TemporaryDirectory() as folder:
        homes = {ON: Path(folder) / "on", OFF: Path(folder) / "off"}
        try:
            for address, home in homes.items():
                words = [] if address == ON else ["--no-telemetry"]
                await asyncio.to_thread(meshmall, home, "up", "--address", address, *ON_LOOPBACK, *words)
            places = {
                address: json.loads(await asyncio.to_thread(meshmall, home, "get", "service", "sales", "-o", "json"))
                for address, home in homes.items()
            }
            found: Json = {"rounds": ROUNDS, "seconds": SECONDS, "page": {}, "hop": {}, "cpu_ms": {}}
            for address in homes:
                await load(address, 8080, "/api/mall", "user=x", CONNECTIONS, 1)
            for number in range(2 * ROUNDS):
                for address in (ON, OFF) if number % 2 else (OFF, ON):
                    name = "on" if address == ON else "off"
                    before = processes_cpu(homes[address])
                    page = await load(address, 8080, "/api/mall", "user=x", CONNECTIONS, SECONDS)
                    between = processes_cpu(homes[address])
                    first = {kind: (between[kind] - before[kind]) * 1000 / page.count for kind in between}
                    hop = await load(places[address]["spec"]["clusterIP"], 7000, HOP, "user=x", CONNECTIONS, SECONDS)
                    after = processes_cpu(homes[address])
                    cpu = {kind: (after[kind] - between[kind]) * 1000 / hop.count for kind in after}
                    for what, run, used in (("page", page, first), ("hop", hop, cpu)):
                        assert run.wrong == 0, (what, name, run)
                        found[what].setdefault(name, []).append(round(run.rate, 1))
                        found["cpu_ms"].setdefault(f"{what} {name}", []).append(used)
            return found
        finally:
            for home in homes.values():
                await asyncio.to_thread(meshmall, home, "down")


def rows(found: Json) -> list[list[str]]:
    """For the table: what, the medians, the aim."""
    lines = []
    for what, title in (("page", "/api/mall (11 requests)"), ("hop", "one service")):
        on, off = (statistics.median(found[what][name]) for name in ("on", "off"))
        lines.append([f"{title}, telemetry on / off", f"{on:,.0f} / {off:,.0f} a second", ""])
        ratios = [a / b for a, b in zip(found[what]["on"], found[what]["off"], strict=True)]
        used = {name: [sum(m.values()) for m in found["cpu_ms"][f"{what} {name}"]] for name in ("on", "off")}
        lines.append(
            [
                "  processor time a request",
                " / ".join(f"{statistics.median(used[n]):.3f} ms" for n in ("on", "off")),
                "",
            ]
        )
        shares = [b / a for a, b in zip(used["on"], used["off"], strict=True)]
        lines.append(
            ["  off / on", f"{statistics.median(shares):.2f} ({min(shares):.2f}-{max(shares):.2f})", f">= {AIM}"]
        )
        lines.append(["  ratio", f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})", f">= {AIM}"])
    return lines
