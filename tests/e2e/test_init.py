"""`meshmall init`: five services of a compose file become a running system and a branch, by the commands it prints."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.mesh import Mesh
from tests.support.shell import run_script

pytestmark = pytest.mark.slow
COMPOSE = """
name: shop
services:
  web:
    build: .
    ports: ["8080:8000"]
    environment: {NAME: web, CALLS: "http://api:8000 http://stock:8000"}
    depends_on: [api]
  api:
    build: .
    environment: [NAME=api, "CALLS=http://prices:8000"]
    env_file: api.env
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:8000/healthz"], interval: 1s}
  prices: {build: ., environment: {NAME: prices}, entrypoint: [python3, service.py]}
  stock: {build: ., environment: {NAME: stock}, volumes: ["numbers:/data"]}
  worker: {build: ., command: python3 worker.py, environment: {CALLS: "http://api:8000"}}
volumes: {numbers: {}}
"""
DOCKERFILE = """
FROM python:3.12-slim
WORKDIR /app
COPY . .
EXPOSE 8000
CMD ["python", "/app/service.py"]
"""
SERVICE = """
import json
import os
import pathlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        baggage = self.headers.get("baggage")
        calls = os.environ.get("CALLS", "").split() if self.path != "/healthz" else []
        requests = [Request(url, headers={"baggage": baggage} if baggage else {}) for url in calls]
        answers = [json.load(urlopen(request)) for request in requests]
        body = {"name": os.environ["NAME"], "token": os.environ.get("TOKEN", ""), "calls": answers}
        if os.environ["NAME"] == "stock":
            pathlib.Path("/data/last").write_text("1")
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
WORKER = "import time\n\nwhile True:\n    time.sleep(1)\n"
FILES = {
    "docker-compose.yml": COMPOSE,
    "Dockerfile": DOCKERFILE,
    "service.py": SERVICE,
    "worker.py": WORKER,
    "api.env": "TOKEN=secret\n",
}


def names(answer: str) -> list[str]:
    body = json.loads(answer)
    return [body["name"], *(f"{call['name']} {[inner['name'] for inner in call['calls']]}" for call in body["calls"])]


def test_a_compose_file_becomes_a_branch_by_the_commands_that_init_prints(
    new_mesh: Callable[[], Mesh], tmp_path: Path
) -> None:
    if isinstance(verdict := can_use_namespaces(), Unavailable):
        pytest.skip(f"five programs listen on 0.0.0.0:8000, which needs network namespaces: {verdict.reason}")
    mesh = new_mesh()
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    mesh.home = folder / "mesh"
    environment = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    printed = run_script("meshmall init", folder, environment)
    assert "services.web.depends_on: api: all start at once" in printed
    commands = re.sub(r"127\.0\.0\.1", mesh.address, printed.partition("Next:\n")[2])
    commands = commands.replace("up --empty", f"up --empty --address {mesh.address}")
    assert "meshmall branch create mine --cookie user=me --fork api" in commands
    out = run_script(commands, folder, environment)
    assert "5 pods are ready" in out
    assert "Branch mine is ready" in out
    mesh.ok("branch", "delete", "mine")
    mesh.ok("branch", "create", "mine", "--cookie", "user=me", "--fork", "api", "--env", "NAME=my api")
    ask = f"curl -s -H 'cookie: user=me' {mesh.gateway}/"
    assert names(run_script(ask, folder, environment)) == ["web", "my api ['prices']", "stock []"]
    everybody = run_script(f"curl -s {mesh.gateway}/", folder, environment)
    assert names(everybody) == ["web", "api ['prices']", "stock []"]
    assert '"token": "secret"' in everybody
    mesh.ok("down", "--purge")
    assert (folder / "mesh" / "images.yaml").is_file()
    assert (folder / "mesh" / "manifests.yaml").is_file()
