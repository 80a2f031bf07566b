"""A store that keeps its data in a file on a volume, and a service that talks to it over one connection for all."""

import json
from typing import Any

from tests.support.pod_programs import PodPrograms

# Lines: `set KEY VALUE`, `get KEY`, `sum`. What is answered has been written to the file.
STORE = r"""
import os, socketserver, threading
data, lock = {}, threading.Lock()
path = "/data/ledger"
if os.path.exists(path):
    for line in open(path):
        if line.endswith("\n"):
            key, _, value = line[:-1].partition(" ")
            data[key] = value
file = open(path, "a")

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            word, _, rest = line.decode().strip().partition(" ")
            key, _, value = rest.partition(" ")
            with lock:
                if word == "set":
                    data[key] = value
                    file.write(f"{key} {value}\n")
                    file.flush()
                answer = data.get(key, "-") if word != "sum" else str(sum(map(int, data.values())))
            self.wfile.write(answer.encode() + b"\n")

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

Server(("", 9000), Handler).serve_forever()
"""
CLIENT = r"""
import http.server, socket, threading, time, urllib.parse
lock, pool = threading.Lock(), []

def ask(line):
    with lock:
        for _ in range(2):
            if not pool:
                pool.append(socket.create_connection(("ledger", 9000)).makefile("rw"))
            try:
                pool[0].write(line + "\n")
                pool[0].flush()
                if answer := pool[0].readline():
                    return answer.strip()
            except OSError:
                pass
            pool.clear()

while ask("get ready") is None:
    time.sleep(0.05)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        answer = (ask(urllib.parse.unquote(self.path[1:])) or "the store is gone").encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
ASK = """
import sys, urllib.request
headers = {"baggage": "branch=" + sys.argv[2]} if sys.argv[2] else {}
request = urllib.request.Request(sys.argv[1], headers=headers)
print(urllib.request.urlopen(request, timeout=20).read().decode(), end="")
"""


def ledger(**annotations: str) -> list[dict[str, Any]]:
    """The Service and StatefulSet `ledger`, and the Service and Deployment `books` that uses it."""
    probe = {"tcpSocket": {"port": 9000}, "periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 1}
    store = {
        "name": "main",
        "command": ["python3", "-u", "-c", STORE],
        "ports": [{"name": "tcp-ledger", "containerPort": 9000}],
        "readinessProbe": probe,
        "livenessProbe": probe,
        "startupProbe": {**probe, "failureThreshold": 60},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    client = {
        "name": "main",
        "command": ["python3", "-u", "-c", CLIENT],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}},
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    metadata = {"name": "ledger", "namespace": "mesh", "annotations": annotations}
    return [
        _service("ledger", {"name": "tcp-ledger", "port": 9000}),
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": metadata,
            "spec": {**_workload("ledger", store), "serviceName": "ledger", "volumeClaimTemplates": [claim]},
        },
        _service("books", {"name": "http", "port": 80, "targetPort": 8080}),
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "books", "namespace": "mesh"},
            "spec": _workload("books", client),
        },
    ]


def _service(name: str, port: dict[str, Any]) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "mesh"}, "spec": spec}


def _workload(name: str, container: dict[str, Any]) -> dict[str, Any]:
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    return {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
    }


class Books:
    """Asks `books` from a pod of the mesh, as everybody or inside a branch."""

    def __init__(self, programs: PodPrograms) -> None:
        self._programs = programs

    def ask(self, words: str, branch: str = "") -> str:
        url = f"http://books/{words.replace(' ', '%20')}"
        return self._programs.ok("exec", "deployment/books", "--", "python3", "-c", ASK, url, branch)

    def deploy(self, **annotations: str) -> None:
        self._programs.apply(*ledger(**annotations))
        for name in ("statefulset/ledger", "deployment/books"):
            self._programs.ok("rollout", "status", name, "--timeout=55s")

    def branch(self, name: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self._programs.ok("get", "branch", name, "-o", "json"))
        return body

    def restarts(self) -> list[int]:
        """How often the pods' containers have been started again, and whether each is ready."""
        pods = json.loads(self._programs.ok("get", "pods", "-l", "app in (ledger, books)", "-o", "json"))["items"]
        return [status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]]
