"""Containers that run from images of a registry, without a mapping and without an engine."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from mesh.images.manifest import digest_of
from mesh.images.unpack.owners import owners
from tests.support import images
from tests.support.inside import KUBECTL
from tests.support.mesh import Mesh, meshes
from tests.support.waiting import until

LIMIT = 90

SERVER = b"""
import http.server, json, os, pathlib, socket, sys, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/whoami":
            body = json.dumps({"uid": os.getuid(), "gid": os.getgid(), "pid": os.getpid(), "cwd": os.getcwd(),
                               "args": sys.argv[1:], "env": dict(os.environ), "version": VERSION})
        elif self.path.startswith("/write/"):
            place = pathlib.Path("/data", self.path.removeprefix("/write/"))
            place.write_text("kept")
            body = str(sorted(os.listdir("/data")))
        elif self.path == "/front":
            request = urllib.request.Request("http://back/whoami", headers={"baggage": self.headers.get("baggage", "")})
            body = urllib.request.urlopen(request).read().decode()
        else:
            body = VERSION
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *words):
        pass

print("serving", VERSION, flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""

# As official images of databases do it: prepares the volume as root, and goes on as somebody else.
SWITCHING = b"""#!/usr/bin/python3
import os
assert os.getuid() == 0
os.chown("/data", 1000, 1000)
os.setgroups([]); os.setgid(1000); os.setuid(1000)
os.execv("/usr/bin/python3", ["python3", "/srv/server.py"])
"""

MANIFEST = """
apiVersion: v1
kind: Service
metadata: {{name: front}}
spec: {{selector: {{app: front}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: back}}
spec: {{selector: {{app: back}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: front}}
spec:
  selector: {{matchLabels: {{app: front}}}}
  template:
    metadata: {{labels: {{app: front}}}}
    spec:
      containers:
        - {{name: front, image: "{web}", readinessProbe: {{httpGet: {{path: /, port: 8080}}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: back}}
spec:
  selector: {{matchLabels: {{app: back}}}}
  template:
    metadata: {{labels: {{app: back}}}}
    spec:
      containers:
        - name: back
          image: "{web}"
          args: ["$(MINE)", "two"]
          env: [{{name: MINE, value: "one"}}, {{name: PATH_OF_IMAGE, value: "$(A_OF_IMAGE)"}}]
          startupProbe: {{exec: {{command: [python3, -c, "open('/srv/server.py')"]}}}}
          readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
          securityContext: {{runAsUser: 1000, readOnlyRootFilesystem: true}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: switching}}
spec:
  serviceName: switching
  selector: {{matchLabels: {{app: switching}}}}
  template:
    metadata: {{labels: {{app: switching}}}}
    spec:
      containers:
        - name: main
          image: "{switching}"
          readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
          volumeMounts: [{{name: data, mountPath: /data}}]
      volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: shop}}
spec: {{gatewayClassName: istio, listeners: [{{name: http, port: 80, protocol: HTTP}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop}}
spec: {{parentRefs: [{{name: shop}}], rules: [{{backendRefs: [{{name: front, port: 80}}]}}]}}
"""


@dataclass
class Yard:
    mesh: Mesh
    registry: images.Registry
    web: str
    newer: str
    switching: str

    def kubectl(self, *words: str) -> str:
        environ = {**os.environ, "KUBECONFIG": str(self.mesh.home / "kubeconfig")}
        ended = subprocess.run(
            [str(KUBECTL), *words], env=environ, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def inside(self, pod: str, *command: str) -> str:
        return self.kubectl("exec", pod, "--", *command)

    def ready(self, *names: str) -> None:
        for name in names:
            self.kubectl("rollout", "status", name, f"--timeout={LIMIT}s")


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    if images.registry_program() is None:
        pytest.skip("docker-registry is not installed")
    if not Path("/usr/bin/python3").exists():
        pytest.skip("the system has no Python of which an image could be made")
    base = images.python_layer()

    def web(version: str) -> images.Image:
        code = f'VERSION = "{version}"\n'.encode() + SERVER
        entries = [
            images.folder("srv"),
            images.Entry("srv/server.py", code),
            images.Entry("srv/switch", SWITCHING, mode=0o755),
        ]
        config = {
            "Entrypoint": ["python3", "/srv/server.py"],
            "WorkingDir": "/srv",
            "Env": ["PATH=/usr/bin", "A_OF_IMAGE=a"],
            "StopSignal": "SIGKILL",
        }
        return images.image([base, images.archive(entries)], config, compress="")

    place = tmp_path_factory.mktemp("registry")
    with images.serve(place) as registry, meshes() as make:
        first = web("1")
        switching = json.loads(first.blobs[json.loads(first.manifest)["config"]["digest"]])["config"]
        switching |= {"Entrypoint": ["/srv/switch"], "Cmd": None}
        mesh = make()
        mesh.environ["MESHMALL_IMAGES"] = "auto"
        yard = Yard(
            mesh,
            registry,
            registry.push(first, "shop/web", "1"),
            registry.push(web("2"), "shop/web", "2"),
            registry.push(reconfigured(first, switching), "shop/switching", "1"),
        )
        mesh.up("--empty")
        names = {"web": yard.web, "switching": yard.switching}
        mesh.ok("apply", "-f", "-", stdin=MANIFEST.format(**names))
        yard.ready("deploy/front", "deploy/back")
        yield yard
        mesh.ok("down", "--purge")  # what containers wrote may belong to subordinate ids
    shutil.rmtree(place)


def reconfigured(image: images.Image, config: dict[str, object]) -> images.Image:
    """The same layers with another configuration."""
    manifest = json.loads(image.manifest)
    document = json.loads(image.blobs[manifest["config"]["digest"]])
    text = json.dumps({**document, "config": config}).encode()
    manifest["config"].update(digest=digest_of(text), size=len(text))
    return images.Image(json.dumps(manifest).encode(), {**image.blobs, digest_of(text): text})


def whoami(yard: Yard, **headers: str) -> dict[str, object]:
    with urlopen(Request(f"{yard.mesh.gateway}/front", headers=headers), timeout=LIMIT) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def test_images_and_manifests_are_combined_as_on_a_cluster(yard: Yard) -> None:
    answer = whoami(yard)
    environment = answer["env"]
    assert isinstance(environment, dict)
    assert answer["uid"] == 1000 and answer["gid"] == 1000 and answer["pid"] == 1 and answer["cwd"] == "/srv"
    assert answer["args"] == ["one", "two"]
    assert environment["PATH"] == "/usr/bin" and environment["HOME"] == "/home/app"
    assert environment["PATH_OF_IMAGE"] == "$(A_OF_IMAGE)", "a manifest cannot refer to the image's variables"


def test_nothing_of_the_machine_is_visible(yard: Yard) -> None:
    assert yard.inside("deploy/front", "ls", "/").split() == [
        *(
            "bin",
            "data",
            "dev",
            "etc",
            "lib",
            "lib64",
            "proc",
            "root",
            "run",
            "sbin",
            "srv",
            "sys",
            "tmp",
            "usr",
            "var",
        ),
    ]


def test_a_read_only_root_is_one(yard: Yard) -> None:
    assert "Read-only" in yard.inside("deploy/back", "sh", "-c", "touch /srv/x 2>&1 || true")
    assert yard.inside("deploy/front", "sh", "-c", "touch /srv/x && ls /srv/x").strip() == "/srv/x"


def test_layers_are_shared_and_what_a_container_writes_is_its_own(yard: Yard) -> None:
    records = json.loads(yard.mesh.ok("image", "list", "--output", "json"))
    assert {record["image"] for record in records["images"]} >= {yard.web, yard.switching}
    layers = {layer for record in records["images"] for layer in record["layers"]}
    assert len(layers) == 2, "of two images with the same layers"


def test_a_branch_forks_an_image(yard: Yard) -> None:
    yard.mesh.ok(
        *("branch", "create", "newer", "--fork", "back", "--image", yard.newer, "--header", "x-me=ann", "--wait")
    )
    assert whoami(yard)["version"] == "1"
    assert whoami(yard, **{"x-me": "ann"})["version"] == "2"
    yard.mesh.ok("branch", "delete", "newer")


def test_tables_say_which_way_pods_run(yard: Yard) -> None:
    lines = yard.mesh.ok("get", "pods", "-o", "wide").splitlines()
    assert lines[0].split()[-2:] == ["RUNS", "FROM"]
    assert {line.split()[-1] for line in lines if line.startswith(("front", "back"))} == {"image"}
    assert "from images; " in yard.mesh.run("status").out


def test_files_are_copied_in_and_out(yard: Yard, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from outside")
    pod = yard.kubectl("get", "pods", "-l", "app=front", "-o", "name").strip().removeprefix("pod/")
    yard.kubectl("cp", str(tmp_path / "file"), f"{pod}:/tmp/file")
    assert yard.inside(pod, "cat", "/tmp/file") == "from outside"
    yard.kubectl("cp", f"{pod}:/srv/server.py", str(tmp_path / "server.py"))
    assert (tmp_path / "server.py").read_bytes().endswith(SERVER)


def test_logs_are_those_of_the_program(yard: Yard) -> None:
    assert yard.kubectl("logs", "deploy/front").strip() == "serving 1"


def test_an_image_that_is_not_there(yard: Yard) -> None:
    pod = {"metadata": {"name": "missing"}, "apiVersion": "v1", "kind": "Pod"}
    name = f"{yard.registry.host}/shop/nothing:1"
    yard.mesh.ok(
        "apply", "-f", "-", stdin=json.dumps({**pod, "spec": {"containers": [{"name": "main", "image": name}]}})
    )
    until(lambda: "ImagePullBackOff" in yard.kubectl("get", "pod", "missing"), LIMIT)
    events = yard.kubectl("get", "events", "-o", "jsonpath={range .items[*]}{.reason}: {.message}\n{end}")
    assert f'Pulling: Pulling image "{name}"' in events
    assert f'Failed: Failed to pull image "{name}": {name} at http://{yard.registry.host}: not found' in events
    assert "Failed: Error: ErrImagePull" in events
    assert f'BackOff: Back-off pulling image "{name}"' in events
    yard.kubectl("delete", "pod", "missing", "--now")


def test_an_entry_script_that_starts_as_root_and_its_volume(yard: Yard) -> None:
    one_id = os.geteuid() != 0 and owners().is_flat
    yard.ready("statefulset/switching")
    ids = "0:0" if one_id else "1000:1000"
    assert yard.inside("switching-0", "sh", "-c", "stat -c %u:%g /data /proc/1").split() == [ids, ids]
    ask = "import urllib.request as r; print(r.urlopen('http://localhost:8080/write/first').read().decode())"
    assert "first" in yard.inside("switching-0", "python3", "-c", ask)
    yard.mesh.ok("down")
    yard.mesh.up("--empty")
    yard.ready("statefulset/switching", "deploy/front", "deploy/back")
    assert yard.inside("switching-0", "cat", "/data/first") == "kept"
    assert yard.inside("switching-0", "stat", "-c", "%u", "/data/first").strip() == ids.partition(":")[0]
