"""A whole mesh with a pod that tries what it must not, and the code that it runs."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from mesh.daemon.home import Home
from tests.support.mesh import Mesh, run_kubectl
from tests.support.programs import NAMESPACE, apply, deployment, service

KUBECTL = Path(sys.executable).parent / "kubectl"

# A server on every address: HTTP at 8080, a line of bytes at 9000.
SERVER = """
import http.server, os, socketserver, threading
class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = os.environ["SAYS"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Line(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        self.wfile.write(os.environ["SAYS"].encode())
threading.Thread(target=socketserver.ThreadingTCPServer(("0.0.0.0", 9000), Line).serve_forever).start()
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Page).serve_forever()
"""

# What the attempts have in common. A refusal is a value: each attempt prints everything that it got.
PRELUDE = """
import ctypes, json, os, socket, ssl, sys, urllib.error, urllib.request
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET, MNT_DETACH = 0x20000, 0x10000000, 0x40000000, 2
def call(name, *words):
    if getattr(libc, name)(*words) >= 0:
        return "done"
    return os.strerror(ctypes.get_errno())
def attempt(action, *words):
    try:
        return action(*words)
    except OSError as error:
        return error.strerror or type(error).__name__
def ask(url, tls=None, **headers):
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=10, context=tls) as answer:
            return [answer.status, answer.read().decode(errors="replace")]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode(errors="replace")]
    except OSError as error:
        return [0, str(error)]
def send(address, port, data, family=socket.AF_INET):
    answer = b""
    with socket.socket(family) as sock:
        sock.settimeout(10)
        try:
            sock.connect((address, port))
            sock.sendall(data)
            while (part := sock.recv(10000)) and len(answer) < 100000:  # head and body may come apart
                answer += part
        except OSError as error:
            pass  # a reset after the answer is an answer
    return answer.decode(errors="replace")
def tell(value):
    print(json.dumps(value))
"""


class Pod(NamedTuple):
    """A pod of the mesh."""

    name: str
    ip: str
    uid: str


class Place(NamedTuple):
    """Where a Service is reached."""

    address: str
    node_port: int


class Yard:
    """The mesh, and commands inside its pods. `suid` is a program of root's that the intruder has at /suid/id."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.suid = mesh.home.with_name("suid") / "id"

    def kubectl(self, *words: str) -> str:
        ran = run_kubectl(str(KUBECTL), self.mesh.home, *words, cwd=Path("/"))
        assert ran.code == 0, ran.out
        return ran.out

    @property
    def daemon(self) -> int:
        """The daemon's pid."""
        running = Home(self.mesh.home).running()
        assert running is not None
        return running.pid

    def pods(self, app: str) -> list[Pod]:
        """The ready pods of a Deployment."""
        bodies = json.loads(self.kubectl("get", "pods", "-n", "mesh", "-l", f"app={app}", "-o", "json"))["items"]
        return [
            Pod(body["metadata"]["name"], body["status"]["podIP"], body["metadata"]["uid"])
            for body in bodies
            if {"type": "Ready", "status": "True"}.items()
            <= next(row for row in body["status"]["conditions"] if row["type"] == "Ready").items()
        ]

    def pod(self, app: str) -> Pod:
        """The one ready pod of a Deployment."""
        (pod,) = self.pods(app)
        return pod

    def service(self, name: str) -> Place:
        spec = json.loads(self.mesh.ok("get", "service", name, "-o", "json"))["spec"]
        return Place(spec["clusterIP"], spec["ports"][0]["nodePort"])

    def attempt(self, code: str, *words: object, pod: str = "intruder", container: str = "") -> Any:
        """What Python code prints by `tell`, run in a pod's container with these words as sys.argv[1:]."""
        command = ["exec", "-n", "mesh", f"deploy/{pod}-v1", *(["-c", container] if container else [])]
        program = [sys.executable, "-c", PRELUDE + code, *map(str, words)]
        return json.loads(self.kubectl(*command, "--", *program).strip().splitlines()[-1])

    def up(self) -> None:
        """Starts the mesh with a guarded service, one that anybody may call, and the intruder."""
        self.mesh.home.parent.chmod(0o755)  # so that nothing but the home's own cover keeps anybody out of it
        self.suid.parent.mkdir()
        shutil.copyfile("/usr/bin/id", self.suid)
        self.suid.chmod(0o4755)
        # As generous as a mesh can be: what is refused even so is refused always.
        self.mesh.up("--empty", "--network", "namespaces", "--outbound-traffic-policy", "allow-any")
        command = [sys.executable, "-c", SERVER]
        friend = deployment("friend", command, 8080, SAYS="friend")
        friend["spec"]["template"]["spec"]["serviceAccountName"] = "friend"
        servers = [
            deployment("guarded", command, 8080, SAYS="treasure"),
            deployment("open", command, 8080, SAYS="open"),
        ]
        services = []
        for name in ("guarded", "open"):
            body = service(name, 80, "http", targetPort=8080)
            body["spec"]["type"] = "NodePort"
            body["spec"]["ports"].append({"name": "tcp-line", "port": 9000})
            services.append(body)
        apply(self.mesh, NAMESPACE, *services, *servers, friend, self._intruder(command), GUARD)

    def _intruder(self, command: list[str]) -> dict[str, Any]:
        body = deployment("intruder", command, 8080, SAYS="intruder")
        sleeping = [sys.executable, "-c", "import signal; signal.pause()"]
        spec = body["spec"]["template"]["spec"]
        spec["containers"] += [
            {"name": name, "image": name, "command": sleeping, "securityContext": context}
            for name, context in CONTEXTS.items()
        ]
        folders = {"suid": str(self.suid.parent), "machine": "/", "above": str(self.mesh.home.parent)}
        spec["volumes"] = [{"name": name, "hostPath": {"path": path}} for name, path in folders.items()]
        for container in spec["containers"]:
            container["volumeMounts"] = [{"name": name, "mountPath": f"/{name}"} for name in folders]
        return body


GUARD = {
    "apiVersion": "security.istio.io/v1",
    "kind": "AuthorizationPolicy",
    "metadata": {"name": "guard", "namespace": "mesh"},
    "spec": {
        "selector": {"matchLabels": {"app": "guarded"}},
        "action": "ALLOW",
        "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/mesh/sa/friend"]}}]}],
    },
}

# Containers of the intruder, by what their securityContext asks for.
CONTEXTS: dict[str, dict[str, Any]] = {
    "bare": {"capabilities": {"drop": ["ALL"]}},
    "less": {"capabilities": {"drop": ["CHOWN", "CAP_KILL"]}},
    "root": {"runAsUser": 0},
    "greedy": {
        "runAsUser": 0,
        "privileged": True,
        "allowPrivilegeEscalation": True,
        "capabilities": {"add": ["SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_MODULE"]},
    },
}
