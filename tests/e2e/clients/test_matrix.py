"""The HTTP clients of seven languages and tools, as their tutorials use them, inside pods and in both network modes.

Each calls a Service by its name, its ClusterIP and its NodePort. The rule asks who calls: what is v2 to clients is v1
to all others, so an answer of v2 says that the rule was met and the caller known.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.inside import MODES, Inside, node_packages, require
from tests.support.mesh import meshes
from tests.support.programs import NAMESPACE, deployment, service
from tests.support.waiting import until

PROGRAMS = Path(__file__).parent / "programs"
WEB = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["SAYS"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer((sys.argv[1], 8080), Handler).serve_forever()
"""
RULES: tuple[dict[str, Any], ...] = (
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "orders", "namespace": "mesh"},
        "spec": {"host": "orders", "subsets": [{"name": v, "labels": {"version": v}} for v in ("v1", "v2")]},
    },
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "orders", "namespace": "mesh"},
        "spec": {
            "hosts": ["orders"],
            "http": [
                {
                    "match": [{"sourceLabels": {"app": "clients"}}],
                    "route": [{"destination": {"host": "orders", "subset": "v2"}}],
                },
                {"route": [{"destination": {"host": "orders", "subset": "v1"}}]},
            ],
        },
    },
)
# By name, ClusterIP and NodePort: the rule with the caller known, in namespaces.
ALL = ("v2", "v2", "v2")
CLIENTS: Mapping[str, tuple[str, ...]] = {
    "shell": ("curl", "wget"),
    "python": ("urllib", "requests", "urllib3", "httpx", "aiohttp", "aiohttp, trust_env"),
    "node": ("http", "fetch", "undici", "axios"),
    "ruby": ("Net::HTTP", "Net::HTTP, no proxy", "Faraday"),
    "go": ("default Transport", "custom Transport"),
    "java": ("HttpURLConnection", "HttpClient"),
}
# On loopback addresses: those that follow `http_proxy`. The others cannot find the name (see docs/network.md).
FOLLOW_PROXY = frozenset(
    (
        *("curl", "wget", "urllib", "requests", "httpx", "aiohttp, trust_env", "axios"),
        *("Net::HTTP", "Faraday", "default Transport"),
    )
)
# Clients that are no part of their language: left out where they are not installed.
EXTRAS = ("wget", "undici", "axios", "Faraday")


@dataclass(frozen=True)
class Clients:
    """Pods that call; `folder` has the programs."""

    pods: Inside
    folder: Path

    def command(self, language: str) -> tuple[str, ...]:
        """What runs all clients of a language; skips the test where the language is missing."""
        program = {"shell": "sh", "python": sys.executable}.get(language, language)
        if shutil.which(program) is None:
            pytest.skip(f"no {language} on this machine")
        if language == "go":
            binary = self.folder / "clients"
            build = ["go", "build", "-o", str(binary), str(self.folder / "clients.go")]
            subprocess.run(build, cwd=self.folder, check=True, timeout=300, capture_output=True)
            return (str(binary),)
        file = {"shell": "clients.sh", "python": "clients.py", "node": "clients.js", "ruby": "clients.rb"}
        return (program, str(self.folder / file.get(language, "Clients.java")))

    def answers(self, language: str) -> dict[str, tuple[str, ...]]:
        """What each client of a language got at the three URLs."""
        command = " ".join(f"'{word}'" for word in self.command(language))
        script = f'{command} http://orders/ "http://$ORDERS_SERVICE_HOST/" "http://$NODE_IP:30092/"'
        answers: dict[str, list[str]] = {}
        for line in self.pods.run("clients-v1", "sh", "-c", script, limit=120).splitlines():
            client, _, answer = line.split("\t")
            answers.setdefault(client, []).append(answer)
        return {client: tuple(three) for client, three in answers.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, with the packages that node's clients need, where npm can install them."""
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    if shutil.which("npm"):
        node_packages(folder, "undici@6", "axios")
    return folder


@pytest.fixture(scope="module", params=MODES)
def clients(request: pytest.FixtureRequest, folder: Path) -> Iterator[Clients]:
    require(request.param)
    with meshes() as make:
        mesh = make()
        inside = Inside(mesh, request.param)
        mesh.up("--empty", "--network", request.param)
        orders = service("orders", 80, "", targetPort=8080, nodePort=30092)
        orders["spec"]["type"] = "NodePort"
        del orders["spec"]["ports"][0]["name"]
        body = deployment("clients", ["sleep", "infinity"], 1, CLIENTS=str(folder))
        (container,) = body["spec"]["template"]["spec"]["containers"]
        del container["readinessProbe"]
        node: dict[str, Any] = {"valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}
        if not inside.named:
            node = {"value": mesh.address}  # it is the one of many meshes here
        container["env"].append({"name": "NODE_IP", **node})
        inside.apply(
            NAMESPACE,
            orders,
            *(deployment("orders", [sys.executable, "-c", WEB, inside.listen], 8080, v, SAYS=v) for v in ("v1", "v2")),
            *RULES,
            body,
        )
        yield Clients(inside, folder)


@pytest.mark.parametrize("language", CLIENTS)
def test_every_client_meets_the_rule(clients: Clients, language: str) -> None:
    answers = clients.answers(language)
    assert [name for name in CLIENTS[language] if name not in answers and name not in EXTRAS] == []
    if clients.pods.named:
        assert answers == dict.fromkeys(answers, ALL)
    else:
        assert {client for client, (by_name, *_) in answers.items() if by_name == "v2"} == answers.keys() & FOLLOW_PROXY


def test_the_caller_is_known(clients: Clients) -> None:
    clients.answers("shell")
    if clients.pods.named:
        assert until(lambda: clients.pods.callers("orders")) == {"mesh/clients"}
