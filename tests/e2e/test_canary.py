"""A canary on a real mesh: it gets everything when it does well, and leaves no trace when it does not."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from tests.support.mesh import Mesh, meshes
from tests.support.waiting import until

pytestmark = pytest.mark.slow
FAST = ("--interval", "5s", "--timeout", "90", "--min-requests", "10")
BROKEN = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path.startswith("/healthz") else 500)
        self.send_header("content-length", "0")
        self.end_headers()


ThreadingHTTPServer((os.environ["HOST"], 7000), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """The mall with a good v2 and a broken v3, neither of which has requests yet, and somebody who asks v1."""
    program = tmp_path_factory.mktemp("broken") / "broken.py"
    program.write_text(BROKEN)
    with meshes() as make:
        mesh = make()
        mesh.up()
        good = next(
            body
            for body in yaml.safe_load_all(Path(mesh.manifest("mall-v2.yaml")).read_text())
            if body["kind"] == "Deployment"
        )
        broken = json.loads(json.dumps(good).replace("mall-v2", "mall-v3").replace('"v2"', '"v3"'))
        broken["spec"]["template"]["spec"]["containers"][0]["command"] = [sys.executable, str(program)]
        text = yaml.safe_dump_all([good, broken])
        assert mesh.run("apply", "-f", "-", "--wait", stdin=text).code == 0
        with requests_to(mesh):
            yield mesh


@contextmanager
def requests_to(mesh: Mesh) -> Iterator[None]:
    ended = threading.Event()

    def ask() -> None:
        with SyncClientBuilder().no_proxy().build() as client:
            while not ended.wait(0.02):
                # A daemon that is killed takes its gateway along for a moment.
                with suppress(PyreqwestError):
                    client.get(f"{mesh.gateway}/api/mall").build().send()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def rules(mesh: Mesh) -> Any:
    """What a canary may change."""
    bodies = [body for kind in ("virtualservices", "destinationrules", "configmaps") for body in listed(mesh, kind)]
    return {(body["kind"], body["metadata"]["name"]): body.get("spec", body.get("data")) for body in bodies}


def listed(mesh: Mesh, kind: str) -> list[Any]:
    answer = json.loads(mesh.ok("get", kind, "-o", "json"))
    return list(answer["items"]) if isinstance(answer, dict) else list(answer)


@contextmanager
def canary(mesh: Mesh, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """A canary that has begun."""
    with subprocess.Popen(
        [sys.executable, "-m", "meshmall", "canary", *words],
        env={**os.environ, "MESHMALL_HOME": str(mesh.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            until(lambda: ("VirtualService", "canary-mall") in rules(mesh), 90)
            yield process
        finally:
            process.kill()


def test_a_broken_version_is_rolled_back_to_exactly_what_there_was(mesh: Mesh) -> None:
    before = rules(mesh)
    ran = mesh.run("canary", "mall", "v3", "--from", "v1", "--step", "50", *FAST, limit=180)
    assert ran.code == 1
    assert "error: rolled back v3: at 50 %, " in ran.err
    assert "at most 1 % may (--max-errors)" in ran.err
    assert "the rules of mall are what they were before the canary" in ran.err
    assert rules(mesh) == before


def test_ctrl_c_and_a_killed_command_bring_the_former_rules_back(mesh: Mesh) -> None:
    before = rules(mesh)
    with canary(mesh, "mall", "v2", "--from", "v1", *FAST) as process:
        assert "canary    mall v2" in mesh.run("status").out
        second = mesh.run("canary", "mall", "v3", "--from", "v1")
        assert "Service mesh/mall: a canary of v2 exists already" in second.err
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=90)
    assert (process.returncode, "the rules of mall are what they were before the canary" in err) == (130, True)
    assert rules(mesh) == before
    with canary(mesh, "mall", "v2", "--from", "v1", *FAST) as process:
        process.kill()
    until(lambda: rules(mesh) == before, 120)
    assert "CanaryAbandoned" in mesh.ok("get", "events")


def test_the_daemons_death_brings_the_former_rules_back(mesh: Mesh) -> None:
    before = rules(mesh)
    with canary(mesh, "mall", "v2", "--from", "v1", *FAST) as process:
        pid = json.loads((mesh.home / "run" / "daemon.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        _, err = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "the mesh restores the rules of mall by itself" in err
    mesh.ok("up", "--empty")
    until(lambda: rules(mesh) == before, 120)
    mesh.ok("down")
    mesh.up()


def test_a_good_version_gets_all_requests(mesh: Mesh) -> None:
    ran = mesh.run("canary", "mall", "v2", "--from", "v1", "--step", "50", "-o", "json", *FAST, limit=240)
    report = json.loads(ran.out)
    assert (ran.code, report["result"]) == (0, "promoted"), ran.err
    assert [(step["weight"], step["canary"]["errors"]) for step in report["steps"]] == [(50, 0), (100, 0)]
    assert all(step["canary"]["requests"] >= 10 for step in report["steps"])
    destinations = rules(mesh)["VirtualService", "mall-gateway"]["http"][1]["route"]
    assert destinations == [{"destination": {"host": "mall", "subset": "v2"}, "weight": 100}]
    assert ("ConfigMap", "canary-mall") not in rules(mesh)
