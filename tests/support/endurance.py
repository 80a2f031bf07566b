"""A mesh with the mall in trouble: what is killed and sent, and figures of what clients saw meanwhile.

`tools/reliability.py` runs it for hours, tests/e2e/test_reliability.py for seconds.
"""

import json
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from statistics import quantiles
from typing import Any

from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from mesh.client.api import Client
from mesh.client.errors import ApiError
from mesh.envoy.process.envoy_process import STABLE
from mesh.procfs import start_time
from mesh.resources.values.ref import Ref
from tests.support.mesh import Mesh
from tests.support.waiting import until

AREAS = ("recommend", "discount")
SERVICES = ("mall", "users", "recommend", "discount", "products", "scores", "sales", "stock")
Figures = Mapping[str, Any]
# Seconds: restarts take their time on a busy machine.
LIMIT = 180.0


@dataclass
class Pages:
    """What visitors saw: pages in all, those that failed (by what they said), those with an area missing, and why."""

    milliseconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    incomplete: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    def figures(self) -> dict[str, Any]:
        p99 = quantiles(self.milliseconds, n=100)[98] if len(self.milliseconds) > 1 else 0.0
        return {
            "pages": len(self.milliseconds) + self.failed,
            "failed": dict(self.failures),
            "incomplete": self.incomplete,
            **({"reasons": dict(self.reasons)} if self.reasons else {}),
            "p99 ms": round(p99, 1),
        }


@contextmanager
def visitors(mesh: Mesh, count: int = 2) -> Iterator[Pages]:
    """Loads pages on kept connections, one after the other per visitor, while the body runs."""
    pages, stopped = Pages(), threading.Event()

    def visit() -> None:
        with SyncClientBuilder().no_proxy().timeout(timedelta(seconds=30)).build() as client:
            while not stopped.is_set():
                begun = time.perf_counter()
                try:
                    answer = client.get(f"{mesh.gateway}/api/mall").build().send()
                    text = answer.text()
                except PyreqwestError as error:
                    pages.failures[type(error).__name__] += 1
                    continue
                if answer.status != 200:
                    pages.failures[f"{answer.status} {text[:80]}"] += 1
                    continue
                pages.milliseconds.append((time.perf_counter() - begun) * 1000)
                body = json.loads(text)
                if any(body[area] is None for area in AREAS):
                    pages.incomplete += 1
                    pages.reasons.update(f"{error['area']}: {error['detail']}" for error in body["errors"])

    threads = [threading.Thread(target=visit) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield pages
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def more_pages(pages: Pages, count: int) -> None:
    """Waits until so many more pages were loaded."""
    before = len(pages.milliseconds)
    until(lambda: len(pages.milliseconds) >= before + count, LIMIT)


def processes_of(client: Client, service: str) -> dict[str, int]:
    """The pids of the ready pods of a service, by the pod's name."""
    pods = client.list("", "Pod", "mesh", selector=f"app={service},branch=baseline")
    containers = {pod["metadata"]["name"]: pod["status"].get("containerStatuses") or [{}] for pod in pods}
    return {
        name: int(statuses[0]["containerID"].removeprefix("mesh://"))
        for name, statuses in containers.items()
        if statuses[0].get("ready")
    }


def two_replicas(mesh: Mesh, client: Client, *services: str) -> None:
    for service in services:
        client.patch(Ref("apps", "Deployment", "mesh", f"{service}-v1"), {"spec": {"replicas": 2}})
    until(lambda: all(len(processes_of(client, service)) == 2 for service in services), LIMIT)
    # What is ready is also what Envoy knows of.
    client.sync(client.status()["version"], timeout=60)
    assert mesh.mall("user=xx")["recommend"] is not None


def kill_pods(mesh: Mesh, kills: int, *services: str, number: signal.Signals = signal.SIGKILL) -> Figures:
    """Kills one of two pods of each service, again and again, under load."""
    with closing(Client(mesh.home)) as client:
        two_replicas(mesh, client, *services)
        with visitors(mesh) as pages:
            for _ in range(kills):
                for service in services:
                    more_pages(pages, 5)
                    before = processes_of(client, service)
                    name = random.choice(sorted(before))
                    os.kill(before[name], number)
                    until(lambda name=name, before=before: _has_ended(before[name]), LIMIT)  # type: ignore[misc]
                    more_pages(pages, 5)
                    # A pod that dies again and again is restarted ever later; a new one is not.
                    client.delete([Ref("", "Pod", "mesh", name)])
                    until(lambda service=service, name=name: _are_two(client, service, without=name), LIMIT)  # type: ignore[misc]
            more_pages(pages, 5)
    return {"kills": kills * len(services), "services": len(services), **pages.figures()}


def stop_pods(mesh: Mesh, *services: str) -> Figures:
    """Stops one of two pods of each service (SIGSTOP) under load until 20 more pages were loaded, and continues it."""
    with closing(Client(mesh.home)) as client:
        two_replicas(mesh, client, *services)
        with visitors(mesh) as pages:
            for service in services:
                more_pages(pages, 5)
                pid = random.choice(sorted(processes_of(client, service).values()))
                os.kill(pid, signal.SIGSTOP)
                try:
                    until(lambda service=service: len(processes_of(client, service)) == 1, LIMIT)  # type: ignore[misc]
                    more_pages(pages, 20)
                finally:
                    os.kill(pid, signal.SIGCONT)
                until(lambda service=service: len(processes_of(client, service)) == 2, LIMIT)  # type: ignore[misc]
    return {"stops": len(services), **pages.figures(), "longest ms": round(max(pages.milliseconds))}


def _has_ended(pid: int) -> bool:
    return start_time(pid) is None


def _are_two(client: Client, service: str, *, without: str) -> bool:
    now = processes_of(client, service)
    return len(now) == 2 and without not in now


def kill_envoy(mesh: Mesh, kills: int) -> Figures:
    """Kills Envoy again and again, and measures how long no page comes."""
    away = []
    for number in range(kills):
        if number:
            # One that dies again at once is restarted ever later.
            time.sleep(STABLE + 1)
        pid = json.loads((mesh.home / "run" / "envoy.json").read_text())["pid"]
        begun = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        until(lambda: _page(mesh), LIMIT)
        away.append(time.perf_counter() - begun)
    return {"kills": kills, "longest s": round(max(away), 3), "median s": round(sorted(away)[len(away) // 2], 3)}


def _page(mesh: Mesh) -> bool:
    try:
        return mesh.mall("user=xx")["recommend"] is not None
    except (PyreqwestError, AssertionError):
        return False


def kill_daemon(mesh: Mesh, kills: int, writes: int) -> Figures:
    """Kills the daemon again and again during writes, under load: nothing that was acknowledged may be missing."""
    acknowledged: dict[str, str] = {}
    number = 0
    with visitors(mesh) as pages:
        for round_number in range(kills):
            target = (round_number + 1) * writes // kills
            killer = threading.Timer(random.uniform(0.05, 0.3), _kill_daemon, [mesh])
            killer.start()
            with suppress(ApiError), closing(Client(mesh.home)) as client:
                while True:
                    number += 1
                    _write(client, number, acknowledged)
            killer.join()
            mesh.up()
            with closing(Client(mesh.home)) as client:
                while number < target:
                    number += 1
                    _write(client, number, acknowledged)
                bodies = {body["metadata"]["name"]: body for body in client.list("", "ConfigMap", "mesh")}
                # Others write ConfigMaps, too: every namespace has the authority's certificate in one.
                present = {name: body["data"]["v"] for name, body in bodies.items() if name.startswith("written-")}
            lost = sum(int(present.get(name, "-1")) < int(value) for name, value in acknowledged.items())
            assert lost == 0, f"{lost} of {len(acknowledged)} are missing"
    return {"kills": kills, "writes": number, "lost": 0, **pages.figures()}


def _write(client: Client, number: int, acknowledged: dict[str, str]) -> None:
    """Writes one of a thousand objects; each has the number of its last write."""
    name, value = f"written-{number % 1000}", str(number)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"v": value}}
    client.apply([body], namespace="mesh")
    acknowledged[name] = value


def _kill_daemon(mesh: Mesh) -> None:
    os.kill(json.loads((mesh.home / "run" / "daemon.json").read_text())["pid"], signal.SIGKILL)


HOSTILE = (
    "x-branch: jason",
    "x-branch: jason, fox",
    "baggage: branch=jason\x01",
    "x-request-id: \xff\xfe@jason",
    "tracestate: mesh-mall=jason",
    "cookie: prefs=x,user=jason,y",
    'cookie: "user=jason"',
    "cookie: USER=jason",
    "cookie:user = =jason",
    "traceparent: 00-" + "0" * 32 + "-" + "f" * 16 + "-zz",
    "b3: jason",
    "x-envoy-original-path: /api/jason",
    "x-envoy-retry-on: 5xx",
    "x-forwarded-for: 127.0.0.1, jason",
    "x-meshmall: jason",
    "upgrade: websocket",
    "te: trailers, chunked",
    "expect: 100-continue",
    "x: " + "y" * 9000,
    "\xe9: x",
)


def hostile(mesh: Mesh, requests: int, is_baseline: Callable[[Any], bool], clients: int = 1) -> Figures:
    """Requests that claim to be in a branch without entering it, or that are no good HTTP: whoever answers a page is
    the baseline."""
    with ThreadPoolExecutor(clients) as pool:
        share = [requests // clients] * clients
        parts = list(pool.map(lambda seed: _hostile(mesh, share[seed], is_baseline, seed), range(clients)))
    statuses = sum((part for part, _ in parts), Counter[str]())
    return {"requests": sum(share), "statuses": dict(statuses), "wrong workloads": sum(wrong for _, wrong in parts)}


def _hostile(mesh: Mesh, requests: int, is_baseline: Callable[[Any], bool], seed: int) -> tuple[Counter[str], int]:
    draw = random.Random(seed)
    statuses: Counter[str] = Counter()
    wrong = 0
    for _ in range(requests):
        lines = draw.choices(HOSTILE, k=draw.randint(1, 4))
        head = "\r\n".join(["GET /api/mall HTTP/1.1", "host: mall", "connection: close", *lines, "", ""])
        status, body = raw_request(mesh, head.encode("latin-1"))
        statuses[status] += 1
        if status == "200":
            wrong += not is_baseline(json.loads(body))
    return statuses, wrong


def raw_request(mesh: Mesh, data: bytes) -> tuple[str, bytes]:
    """Status and body of the answer; "closed" when there is none."""
    try:
        with socket.create_connection((mesh.address, 8080), 30) as connection, HTTPResponse(connection) as answer:
            connection.sendall(data)
            answer.begin()
            return str(answer.status), answer.read()
    except (ConnectionError, HTTPException):
        return "closed", b""


def soak(mesh: Mesh, minutes: float) -> Figures:
    """Load for a while: memory, descriptors and p99 at the first and the last quarter."""
    pids = {
        "daemon": json.loads((mesh.home / "run" / "daemon.json").read_text())["pid"],
        "envoy": json.loads((mesh.home / "run" / "envoy.json").read_text())["pid"],
    }
    quarters: list[dict[str, Any]] = []
    for _ in range(4):
        with visitors(mesh) as pages:
            time.sleep(minutes * 60 / 4)
        usage = {name: f"{memory_of(pid):.0f} MiB, {_descriptors(pid)} descriptors" for name, pid in pids.items()}
        quarters.append({**pages.figures(), **usage})
    return {"minutes": minutes, "first quarter": quarters[0], "last quarter": quarters[-1]}


def memory_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def rollouts(mesh: Mesh, count: int, *services: str) -> Figures:
    """Replaces all pods of services again and again, under load."""
    with closing(Client(mesh.home)) as client, visitors(mesh) as pages:
        for _ in range(count):
            for service in services:
                before = processes_of(client, service)
                stamp = {"metadata": {"annotations": {"restarted": str(time.time())}}}
                ref = Ref("apps", "Deployment", "mesh", f"{service}-v1")
                client.patch(ref, {"spec": {"template": stamp}})
                until(lambda s=service, b=before: _replaced(client, s, b), LIMIT)  # type: ignore[misc]
        more_pages(pages, 5)
    return {"rollouts": count * len(services), **pages.figures()}


def _replaced(client: Client, service: str, before: Mapping[str, int]) -> bool:
    now = processes_of(client, service)
    return len(now) == len(before) and not now.keys() & before.keys()
