"""The Kubernetes API: listing 200 objects, the time until a watcher sees a change, the cost of an idle daemon.

Part of `make bench`.
"""

import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.machine import ADDRESS, meshmall, processes_memory
from mesh.client.api import Client
from mesh.resources.values.ref import Ref

OBJECTS, LISTS, CHANGES = 200, 50, 50
IDLE_SECONDS = 20.0
Body = dict[str, Any]


def config(number: int, value: str = "1") -> Body:
    """One small object."""
    metadata = {"name": f"c{number}", "namespace": "mesh"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}


def lists(client: Client) -> list[float]:
    """Milliseconds of a list request in a client, decoding included."""
    client.apply([config(number) for number in range(OBJECTS)], namespace="mesh")
    found = []
    for _ in range(LISTS):
        begun = time.perf_counter()
        assert len(client.list("", "ConfigMap", "mesh")) >= OBJECTS
        found.append((time.perf_counter() - begun) * 1000)
    return found


def watches(client: Client, home: Path) -> list[float]:
    """Milliseconds from the start of a write to its event at a watcher."""
    seen: dict[str, float] = {}
    ready, done = threading.Event(), threading.Event()

    def watch() -> None:
        stream = Client(home).watch("", "ConfigMap", "mesh")
        for event in stream:
            ready.set()
            seen[event["object"].get("data", {}).get("a", "")] = time.perf_counter()
            if done.is_set():
                break
        stream.close()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    ready.wait(10)
    begun = {}
    for number in range(CHANGES):
        value = f"change-{number}"
        begun[value] = time.perf_counter()
        client.apply([config(0, value)], namespace="mesh")
        while value not in seen:
            time.sleep(0.0002)
    done.set()
    client.apply([config(0, "last")], namespace="mesh")
    thread.join(10)
    return [(seen[value] - at) * 1000 for value, at in begun.items()]


def idle(home: Path) -> tuple[float, float]:
    """Share of one core, in percent, and megabytes (PSS) of the idle daemon."""
    pid = int((home / "run" / "daemon.json").read_text().split('"pid":')[1].split(",")[0])
    time.sleep(5.0)

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before, begun = ticks(), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    used = (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.perf_counter() - begun)
    return used * 100, processes_memory(home)["daemon"]


def measure() -> dict[str, Any]:
    """All of it, as it is written to `api.json`."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        meshmall(home, "up", "--address", ADDRESS)
        try:
            client = Client(home)
            share, megabytes = idle(home)
            listed, watched = lists(client), watches(client, home)
            client.delete([Ref("", "ConfigMap", "mesh", f"c{number}") for number in range(OBJECTS)])
            client.close()
        finally:
            meshmall(home, "down")
    return {"list_ms": sorted(listed), "watch_ms": sorted(watched), "idle_cpu_percent": share, "idle_mb": megabytes}


def rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Measure, figure, aim."""
    return [
        (f"list of {OBJECTS} objects", _middle(found["list_ms"]), "<= 50 ms"),
        ("write to the watcher's event", _middle(found["watch_ms"]), "<= 20 ms"),
        ("daemon, idle, processor", f"{found['idle_cpu_percent']:.2f} % of a core", "< 1 %"),
        ("daemon, idle, memory (PSS)", f"{found['idle_mb']:.0f} MB", "<= 120 MB"),
    ]


def _middle(values: list[float]) -> str:
    return f"p50 {statistics.median(values):.1f} ms, max {values[-1]:.1f}"
