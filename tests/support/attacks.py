"""A mesh beside somebody hostile, or on a disk that is full: what clients see meanwhile, and what is left afterwards.

`tools/reliability.py` runs it for minutes, tests/e2e/test_reliability.py for seconds.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from mesh.client.api import Client
from mesh.client.errors import ApiError
from mesh.resources.values.ref import Ref
from tests.support.endurance import (
    HOSTILE,
    LIMIT,
    Figures,
    memory_of,
    more_pages,
    processes_of,
    raw_request,
    two_replicas,
    visitors,
)
from tests.support.mesh import Mesh
from tests.support.waiting import until

NOBODY = 65534
# Opens connections to an address, with TLS on every second one, asks for the pods without a token on every tenth, and
# holds them all for a moment; prints the statuses that it was answered.
NEIGHBOUR = """
import contextlib, json, socket, ssl, sys, time
host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
while True:
    held, statuses = [], {}
    for number in range(count):
        with contextlib.suppress(OSError):
            connection = socket.create_connection((host, port), 5)
            held.append(connection)
            if number % 2:
                held[-1] = connection = context.wrap_socket(connection)
            if number % 10 == 1:
                connection.sendall(b"GET /api/v1/pods HTTP/1.1\\r\\nhost: api\\r\\nconnection: close\\r\\n\\r\\n")
                status = connection.recv(100).split()[1].decode()
                statuses[status] = statuses.get(status, 0) + 1
    print(json.dumps({"connections": len(held), "statuses": statuses}), flush=True)
    time.sleep(0.5)
    for connection in held:
        connection.close()
"""


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """A file system of its own in a folder, for the time of the body. Needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "none", folder], check=True)
    try:
        yield
    finally:
        # Lazily: a process of the mesh that ends late may still have a folder in it.
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fills a file system to the last byte, for the time of the body."""
    filler = folder / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while file.write(b"x" * size):
                        pass
        yield
    finally:
        filler.unlink(missing_ok=True)


def full_disk(mesh: Mesh, moments: int, service: str = "stock") -> Figures:
    """The home's disk is full from some moment of a rollout on, a different one each time, for a second.

    The mesh must not be up. Each rollout has to end by itself once there is room.
    """
    recoveries = []
    with small_disk(mesh.home, 128):
        mesh.up()
        with closing(Client(mesh.home)) as client, visitors(mesh) as pages:
            two_replicas(mesh, client, service)
            for number in range(moments):
                more_pages(pages, 3)
                before = processes_of(client, service)
                stamp = {"metadata": {"annotations": {"restarted": str(number)}}}
                client.patch(Ref("apps", "Deployment", "mesh", f"{service}-v1"), {"spec": {"template": stamp}})
                # A rollout writes for about two seconds.
                time.sleep(2 * number / moments)
                with full(mesh.home):
                    with suppress(ApiError):
                        client.apply([_config_map("refused")], namespace="mesh")
                    time.sleep(1)
                begun = time.monotonic()
                until(lambda b=before: _replaced(client, service, b), LIMIT)  # type: ignore[misc]
                client.apply([_config_map(f"after-{number}")], namespace="mesh")
                recoveries.append(time.monotonic() - begun)
            problems = client.status()["problems"]
        mesh.ok("down")
    return {
        "moments": moments,
        **pages.figures(),
        "slowest recovery s": round(max(recoveries), 1),
        "problems": problems,
    }


def _config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"v": "x"}}


def _replaced(client: Client, service: str, before: dict[str, int]) -> bool:
    now = processes_of(client, service)
    return len(now) == len(before) and not now.keys() & before.keys()


def neighbour(mesh: Mesh, seconds: float, connections: int = 300) -> Figures:
    """Another user of the machine takes up the API's connections; the mesh's own user goes on. Needs root."""
    slowest, calls = 0.0, 0
    rounds: list[Figures] = []
    url = urlsplit(json.loads((mesh.home / "run" / "api.json").read_text())["server"])
    # Not this environment's Python, which may lie in a folder that the other user may not enter.
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    words = [python, "-c", NEIGHBOUR, url.hostname or "", str(url.port), str(connections)]
    with (
        subprocess.Popen(words, user=NOBODY, group=NOBODY, extra_groups=[], stdout=subprocess.PIPE, cwd="/") as other,
        visitors(mesh) as pages,
    ):
        assert other.stdout is not None
        try:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline or not rounds:
                rounds.append(json.loads(other.stdout.readline()))
                # A client of its own each time, which has to get in.
                begun = time.monotonic()
                with closing(Client(mesh.home)) as client:
                    client.list("", "Pod", "mesh")
                calls, slowest = calls + 1, max(slowest, time.monotonic() - begun)
            more_pages(pages, 5)
        finally:
            other.kill()
    statuses = {status for one in rounds for status in one["statuses"]}
    return {
        "connections": sum(one["connections"] for one in rounds),
        "answers without a token": sorted(statuses),
        "let in": sum(status.startswith("2") for status in statuses),
        "calls": calls,
        "slowest call s": round(slowest, 2),
        **pages.figures(),
    }


def telemetry(mesh: Mesh, requests: int, seed: int = 2) -> Figures:
    """Requests whose ids, traces and branches are rubbish; one in fifty is good, and must be found by its id."""
    draw = random.Random(seed)
    daemon = json.loads((mesh.home / "run" / "daemon.json").read_text())["pid"]
    lost = good = 0
    before = memory_of(daemon)
    with closing(Client(mesh.home)) as client:
        for number in range(requests):
            rubbish = bytes(draw.choices(range(0x21, 0xFF), k=draw.randint(1, 200))).replace(b"\x7f", b"")
            names = draw.sample((b"x-request-id", b"traceparent", b"baggage", b"tracestate", b"user-agent"), 3)
            lines = [name + b": " + (b"branch=" if name == b"baggage" else b"") + rubbish for name in names]
            lines.append(draw.choice(HOSTILE).encode("latin-1"))
            first = [b"GET /api/users HTTP/1.1", b"host: mall", b"connection: close"]
            raw_request(mesh, b"\r\n".join([*first, *lines, b"", b""]))
            if number % 50 == 49:
                good += 1
                name = f"good-{os.getpid()}-{number}"
                head = f"GET /api/mall HTTP/1.1\r\nhost: mall\r\nconnection: close\r\nx-request-id: {name}\r\n\r\n"
                raw_request(mesh, head.encode())
                try:
                    until(lambda name=name: len(client.request(name)) >= 10, 30)  # type: ignore[misc]
                except AssertionError:
                    lost += 1
        branches = {edge["branch"] for edge in client.topology(300)["edges"] if edge.get("branch")}
    return {
        "requests": requests,
        "good": good,
        "lost": lost,
        "branches made up": len(branches),
        "daemon MiB": f"{before:.0f} to {memory_of(daemon):.0f}",
    }
