"""Branches as a person types them: the seed's scenario, many on one service, and everything that can go wrong."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyreqwest.client import SyncClientBuilder

from mesh.client.api import Client
from mesh.resources.values.ref import Ref
from tests.support.mesh import BASELINE, FOX, JASON, Mesh, seen
from tests.support.waiting import until

CREATE_JASON = ("branch", "create", "jason", "--cookie", "user=jason", "--fork", "recommend", "--env", "BANNER=true")
CREATE_FOX = (
    "branch", "create", "fox", "--cookie", "user=fox",
    "--fork", "discount", "--env", "discount:BANNER=true",
    "--fork", "products", "--env", "products:FAVORITES=true",
    "--new", "favorites:7000=python -m mall.favorites",
)  # fmt: skip
COME_AND_GO = int(os.environ.get("BRANCHES_COME_AND_GO", "60"))


def get(url: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body; header names with `_` for `-`."""
    with SyncClientBuilder().no_proxy().build() as client:
        request = client.get(url)
        for name, value in headers.items():
            request = request.header(name.replace("_", "-"), value)
        answer = request.build().send()
        return answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.text()


ASK = """
import sys, urllib.request, urllib.error
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=20)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, dict(answer.headers), answer.read().decode())
"""


def inside(mesh: Mesh, branch: str, url: str) -> str:
    """Status, headers and body as a command gets them that runs in a branch."""
    return mesh.ok("branch", "run", branch, "--", sys.executable, "-c", ASK, url)


def branch_of(mesh: Mesh, name: str) -> Any:
    return json.loads(mesh.ok("branch", "show", name, "-o", "json"))


def test_the_seeds_scenario_with_branches_and_ten_more_on_one_service(mesh: Mesh) -> None:
    mesh.up()
    assert "Branch jason is ready (" in mesh.ok(*CREATE_JASON)
    out = mesh.ok(*CREATE_FOX)
    assert re.search(
        r"stored [\d,]+ ms, services ready [\d,]+ ms, Envoy acknowledged [\d,]+ ms, first answer [\d,]+ ms", out
    )
    many = [f"p{number}" for number in range(10)]
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(
            lambda name: mesh.ok("branch", "create", name, "--cookie", f"user={name}", "--fork", "products"), many
        )
        assert all("is ready (" in output for output in ended)
    expected = {"user=jason": JASON, "user=fox": FOX, "user=xx": BASELINE, **{f"user={n}": BASELINE for n in many}}
    for cookie, what in expected.items():
        assert seen(mesh.mall(cookie)) == what
        assert seen(mesh.mall(cookie, f"http://{mesh.address}:31004")) == what
    for name in many:
        assert f"mall-products/{name}" in inside(mesh, name, "http://products:7000/products?ids=1")
        status, headers, _ = get(f"{mesh.gateway}/api/mall", host=f"{name}.localhost:8080")
        assert (status, headers["x-branch"]) == (200, name)
    names = mesh.ok("branch", "list", "-o", "name").split()
    assert sorted(names) == sorted(["fox", "jason", *many])
    mesh.ok("branch", "delete", *names)
    assert seen(mesh.mall("user=fox")) == BASELINE
    until(lambda: "-fox-" not in mesh.ok("get", "pods", "-o", "name"))


@pytest.fixture(scope="module")
def branched() -> Iterator[Mesh]:
    """One mesh with jason's and fox's branches, for tests that leave it as it was."""
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        address = f"127.{random.randint(241, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        mesh = Mesh(Path(folder) / "home", address)
        try:
            mesh.up()
            mesh.ok(*CREATE_JASON)
            mesh.ok(*CREATE_FOX)
            yield mesh
        finally:
            mesh.run("down")
            assert mesh.processes() == []


def test_nobody_outside_can_write_the_meshs_own_header(branched: Mesh) -> None:
    _, headers, body = get(f"{branched.gateway}/api/mall", x_branch="fox")
    assert "x-branch" not in headers
    assert seen(json.loads(body)) == BASELINE


def test_branches_compose_and_say_who_won(branched: Mesh) -> None:
    branched.ok("branch", "create", "both", "--include", "jason", "--include", "fox")
    try:
        _, headers, body = get(f"{branched.gateway}/api/mall", baggage="branch=both")
        assert headers["x-branch"] == "both"
        assert seen(json.loads(body)) == (True, True, 12)
        out = branched.ok("branch", "create", "over", "--include", "fox", "--fork", "discount", "--env", "BANNER=false")
        assert "overlap   discount: over's is seen, not fox's" in out
        assert "overlap   discount: over's is seen, not fox's" in branched.ok("branch", "show", "over")
        _, _, body = get(f"{branched.gateway}/api/mall", baggage="branch=over")
        assert seen(json.loads(body)) == (False, False, 12)
    finally:
        branched.run("branch", "delete", "both", "over")


def test_diff_shows_what_differs_and_says_so_by_its_exit_code(branched: Mesh) -> None:
    ran = branched.run("branch", "diff", "fox", "/api/mall", "/api/users", "-o", "json")
    assert ran.code == 1
    told = json.loads(ran.out)
    whats = {difference["what"] for difference in told["/api/mall"]["differences"]}
    assert "body .discount.banner" in whats
    assert "body .recommend.products[0].favorites" in whats
    assert told["/api/users"]["differences"] == []
    text = branched.run("branch", "diff", "fox", "/api/mall").out
    assert re.search(r"body \.discount\.banner +false +true", text)
    assert branched.run("branch", "diff", "fox", "/api/users").code == 0
    refused = branched.run("branch", "diff", "fox", "/api/users", "-X", "POST")
    assert (refused.code, "POST may change data" in refused.err) == (2, True)
    entered = branched.run("branch", "diff", "fox", "/api/mall", "-H", "cookie: user=jason")
    assert "the baseline's request for /api/mall entered branch jason" in entered.err


def test_a_command_runs_in_a_branch(branched: Mesh) -> None:
    gateway = f"{branched.gateway}/api/mall"
    assert seen(json.loads(inside(branched, "fox", gateway).partition("} ")[2])) == FOX
    assert '"favorites":90' in inside(branched, "fox", "http://products:7000/products?ids=1")
    assert branched.run("branch", "run", "fox", "--", "sh", "-c", "exit 7").code == 7
    assert branched.run("branch", "run", "fox", "--", "no-such-command").code == 127


def test_the_baselines_change_flows_into_the_fork(mesh: Mesh) -> None:
    mesh.up()
    mesh.ok("branch", "create", "fox", "--fork", "scores")
    client = Client(mesh.home)
    ref = Ref("apps", "Deployment", "mesh", "scores-v1")
    containers = client.get(ref)["spec"]["template"]["spec"]["containers"]
    containers[0]["env"].append({"name": "SCALE", "value": "10"})
    client.patch(ref, {"spec": {"template": {"spec": {"containers": containers}}}})

    def scores() -> str:
        return inside(mesh, "fox", "http://scores:7000/scores?ids=1")

    until(lambda: '{"1":980}' in scores())
    client.close()


def test_a_fork_that_is_not_ready_fails_by_name_or_falls_back_and_says_so(mesh: Mesh) -> None:
    mesh.up()
    words = ("--fork", "discount", "--command", "discount=sleep 1000", "--no-wait")
    mesh.ok("branch", "create", "strict", *words)
    mesh.ok("branch", "create", "lenient", *words, "--fallback", "baseline")

    def errors(name: str) -> Any:
        return json.loads(get(f"{mesh.gateway}/api/mall", baggage=f"branch={name}")[2])["errors"]

    until(lambda: errors("strict") is not None)
    said = inside(mesh, "strict", "http://discount:7000/discount")
    assert "503" in said
    assert "application/problem+json" in said
    assert "branch strict: its fork of service discount is not ready" in said
    _, headers, body = get(f"{mesh.gateway}/api/mall", baggage="branch=lenient")
    assert headers["x-branch"] == "lenient; fallback=discount"
    assert seen(json.loads(body)) == BASELINE
    ran = mesh.run("branch", "show", "strict")
    assert ran.code == 1
    assert "discount: 0 of 1 pods are ready" in ran.err
    late = mesh.run("branch", "create", "late", "--fork", "stock", "--command", "stock=sleep 9", "--timeout", "1")
    assert (late.code, "branch late is not ready: stock: 0 of 1 pods are ready" in late.err) == (1, True)


@contextmanager
def serving(folder: Path, text: str) -> Iterator[int]:
    """Somebody's own process that answers as `recommend`."""
    program = folder / "own.py"
    program.write_text(OWN.replace("TEXT", text))
    process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


OWN = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"products": [], "banner": true, "who": "TEXT"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
place = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "0")))
server = http.server.ThreadingHTTPServer(place, Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_a_developers_own_process_answers_in_the_branch(mesh: Mesh, tmp_path: Path) -> None:
    mesh.up()
    with serving(tmp_path, "mine") as port:
        mesh.ok("branch", "create", "mine", "--cookie", "user=me", "--url", f"recommend=http://127.0.0.1:{port}")
        assert mesh.mall("user=me")["recommend"] == {"products": [], "banner": True}
        assert seen(mesh.mall("user=xx")) == BASELINE
    until(lambda: "nothing answers at http://127.0.0.1" in mesh.run("branch", "show", "mine").err)
    assert mesh.mall("user=me")["recommend"] is None
    assert seen(mesh.mall("user=xx")) == BASELINE


def test_dev_runs_a_process_as_the_branchs_service_until_it_is_ended(mesh: Mesh, tmp_path: Path) -> None:
    mesh.up()
    mesh.ok("branch", "create", "fox", "--cookie", "user=fox", "--fork", "recommend", "--env", "BANNER=true")
    program = tmp_path / "own.py"
    program.write_text(OWN.replace("TEXT", "first"))
    words = ["branch", "dev", "fox", "recommend", "--watch", str(tmp_path), "--", sys.executable, str(program)]
    environ = {**os.environ, "MESHMALL_HOME": str(mesh.home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "meshmall", *words],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def who() -> str:
        return inside(mesh, "fox", "http://recommend:7000/recommend")

    try:
        until(lambda: '"who": "first"' in who())
        assert seen(mesh.mall("user=xx")) == BASELINE
        program.write_text(OWN.replace("TEXT", "second"))
        until(lambda: '"who": "second"' in who())
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert branch_of(mesh, "fox")["spec"]["services"] == {"recommend": {"fork": {"env": ENV}}}
    until(lambda: seen(mesh.mall("user=fox")) == JASON)


ENV = [{"name": "BANNER", "value": "true"}]


def test_a_branch_ends_when_its_time_is_over(mesh: Mesh) -> None:
    assert "not a duration" in mesh.run("up", "--address", mesh.address, "--branch-expires", "soon").err
    mesh.up("--branch-expires", "30m")
    mesh.ok("branch", "create", "default", "--version", "stock=v1")
    assert "(in 29m)" in mesh.ok("branch", "show", "default")
    mesh.ok("branch", "delete", "default")
    mesh.ok("branch", "create", "short", "--fork", "stock", "--expires", "4s", "--no-wait")
    mesh.ok("branch", "create", "long", "--fork", "stock", "--expires", "90s", "--no-wait")
    assert "Branch long now expires at" in mesh.ok("branch", "extend", "long", "1h")
    assert "(in 59m)" in mesh.run("branch", "show", "long").out
    until(lambda: mesh.ok("branch", "list", "-o", "name").split() == ["long"])
    until(lambda: "stock-short" not in mesh.ok("get", "deployments", "-o", "name"))
    assert "stock-v1" in mesh.ok("get", "deployments", "-o", "name")
    assert "the branch ended at" in mesh.ok("get", "events")


def test_baseline_traffic_notices_nothing_while_branches_come_and_go(mesh: Mesh) -> None:
    mesh.up()
    wrong: list[str] = []
    stopped = threading.Event()
    count = 0

    def traffic() -> None:
        nonlocal count
        with SyncClientBuilder().no_proxy().build() as client:
            while not stopped.is_set():
                answer = client.get(f"{mesh.gateway}/api/mall").header("cookie", "user=xx").build().send()
                text = answer.text()
                if answer.status != 200 or seen(json.loads(text)) != BASELINE or "x-branch" in answer.headers:
                    wrong.append(f"{answer.status} {text[:200]}")
                count += 1

    threads = [threading.Thread(target=traffic) for _ in range(2)]
    for thread in threads:
        thread.start()
    client = Client(mesh.home)
    try:
        for number in range(COME_AND_GO):
            name = f"b{number}"
            entry = {"cookie": {"name": "user", "value": name}}
            services = {"products": {"version": "v1"}, "stock": {"url": "http://127.0.0.1:9"}}
            raw = {"apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": {"name": name}}
            version = client.apply([{**raw, "spec": {"enter": [entry], "services": services}}]).version
            client.sync(version)
            assert get(f"{mesh.gateway}/api/users", cookie=f"user={name}")[1]["x-branch"] == name
            version = client.delete([Ref("meshmall.dev", "Branch", "mesh", name)]).version
            client.sync(version)
            assert "x-branch" not in get(f"{mesh.gateway}/api/users", cookie=f"user={name}")[1]
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
        client.close()
    assert wrong == []
    assert count > COME_AND_GO


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("create", "x", "--fork", "prodcts"),
            'there is no Service "prodcts" in namespace mesh; did you mean "products"?',
        ),
        (("create", "x", "--version", "products=v9"), '"v9" is not a version of Service mesh/products (it has v1)'),
        (("create", "x"), "spec.services: is empty"),
        (("create", "x", "--fork", "stock", "--cookie", "user"), "--cookie user: use NAME=VALUE"),
        (("create", "x", "--fork", "stock", "--cookie", "user=fox"), "user=fox already enters Branch mesh/fox"),
        (("create", "x", "--fork", "stock", "--env", "scores:A=1"), "'scores' is not among the forks (stock)"),
        (("create", "x", "--fork", "stock", "--expires", "2020-01-01T00:00:00Z"), "is in the past"),
        (("create", "x", "--fork", "stock", "--host", "*"), '"*" would match every request'),
        (("create", "x", "--include", "nobody"), 'there is no Branch "nobody" in namespace mesh'),
        (("create", "fox", "--fork", "stock"), "branch fox already exists"),
        (("create",), "a branch needs a name"),
        (("show", "nobody"), "there is no branch 'nobody' in namespace mesh"),
        (("delete", "fox", "nobody"), "there is no branch 'nobody' in namespace mesh"),
        (("extend", "fox", "long"), '"long" is not a duration'),
        (("run", "nobody", "--", "true"), "there is no branch 'nobody'"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(branched: Mesh, words: tuple[str, ...], told: str) -> None:
    before = sorted(branched.ok("branch", "list", "-o", "name").split())
    ran = branched.run("branch", *words)
    assert ran.code != 0
    assert told in ran.err
    assert sorted(branched.ok("branch", "list", "-o", "name").split()) == before


def test_a_branch_is_named_after_gits(branched: Mesh, tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "init", "-q", "-b", "feature/New_Banner"], check=True)
    ended = subprocess.run(
        [sys.executable, "-m", "meshmall", "branch", "create", "--from-git", "--version", "products=v1"],
        env={**os.environ, "MESHMALL_HOME": str(branched.home)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    out = branched.ok("branch", "show", "feature/New_Banner")
    assert "(git feature/New_Banner)" in out
    names = branched.ok("branch", "list", "-o", "name").split()
    assert any(re.fullmatch(r"feature-new-banner-[0-9a-f]{6}", name) for name in names)
    body = json.loads(branched.ok("branch", "show", "feature/New_Banner", "-o", "json"))
    assert body["spec"]["expires"] == "48h"
    branched.ok("branch", "delete", "feature/New_Banner")


def test_a_branch_comes_from_a_file_and_goes_to_a_cluster_as_plain_manifests(branched: Mesh, mesh: Mesh) -> None:
    rendered = branched.ok("branch", "render", "fox", "jason")
    kinds = {item["kind"] for item in yaml.safe_load_all(rendered)}
    assert kinds == {"Deployment", "DestinationRule", "Service", "VirtualService"}
    mesh.up()
    mesh.ok("apply", "-f", "-", "--wait", stdin=rendered)
    assert {cookie: seen(mesh.mall(cookie)) for cookie in EXPECTED} == EXPECTED
    spec = {"services": {"stock": {"version": "v1"}}, "enter": [{"host": "stock.example.com"}]}
    file = yaml.safe_dump({"apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": {"name": "f"}, "spec": spec})
    assert "Branch f is ready (" in mesh.ok("branch", "create", "-f", "-", stdin=file)


EXPECTED = {"user=jason": JASON, "user=fox": FOX, "user=xx": BASELINE}


RELAY = """
import http.server, os, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        passed = {key: value for key, value in self.headers.items() if key.lower() in os.environ["PASSED"].split()}
        request = urllib.request.Request("http://sales:7000/sales?ids=1", headers=passed)
        body = urllib.request.urlopen(request, timeout=10).read()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
# Where pods share the machine's addresses, HOST says which one is the pod's.
http.server.ThreadingHTTPServer((os.environ.get("HOST", ""), 7000), Handler).serve_forever()
"""


def relay(passed: str) -> str:
    """A service of the baseline that calls sales, and passes these headers on."""
    labels = {"app": "relay"}
    container = {
        "name": "relay",
        "command": [sys.executable, "-c", RELAY],
        "env": [{"name": "PASSED", "value": passed}],
        "ports": [{"containerPort": 7000}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = {"selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"name": "http", "port": 7000}]}
    return yaml.safe_dump_all(
        [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "relay"}, "spec": deployment},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "relay"}, "spec": service},
        ]
    )


def test_a_program_that_loses_the_branch_is_named(mesh: Mesh) -> None:
    mesh.up()
    mesh.ok("apply", "-f", "-", "--wait", stdin=relay(""))
    mesh.ok("branch", "create", "fox", "--fork", "sales")

    def told() -> str:
        assert "200" in inside(mesh, "fox", "http://relay:7000/hello")
        return mesh.ok("branch", "show", "fox")

    until(lambda: "context lost  relay (relay) handled GET /hello of branch fox, and called GET" in told())
    mesh.ok("apply", "-f", "-", "--wait", stdin=relay("baggage"))
    until(lambda: "context lost" not in told())
    assert branch_of(mesh, "fox")["status"]["lastUsed"]
