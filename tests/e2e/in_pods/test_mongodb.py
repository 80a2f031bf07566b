"""`deploy/mongodb`: users in a MongoDB that is a StatefulSet, whose data survives `down` and `up`.

The image's program is `nx-27017`, which speaks MongoDB's protocol over SQLite and knows no passwords.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.mesh import Mesh, meshes
from tests.support.places import DEPLOY
from tests.support.pod_programs import KUBECTL, PodPrograms
from tests.support.waiting import until

ASK = """
import sys, urllib.request
request = urllib.request.Request("http://users:7000/users" + sys.argv[2], method=sys.argv[1])
if len(sys.argv) > 3:
    request.data = sys.argv[3].encode()
    request.add_header("Content-Type", "application/json")
print(urllib.request.urlopen(request).read().decode())
"""

# The length of an id that MongoDB's protocol gives.
OBJECT_ID = 24


def ask(programs: PodPrograms, *words: str) -> str:
    """The answer of users, asked from another pod; "" when there is none."""
    ran = programs.kubectl("exec", "mongodb-0", "--", "python3", "-c", ASK, *words)
    return str(json.loads(ran.out)["id"]) if ran.code == 0 else ""


def test_users_in_a_mongodb_survive_down_and_up(running: Mesh) -> None:
    server = shutil.which("nx-27017", path=str(Path(sys.executable).parent))
    if server is None:
        pytest.skip("nx-27017, a server of MongoDB's protocol, is not installed")
    command = [server, "--data-dir", "/data/db", "--host", "0.0.0.0", "--port", "$(PORT)"]
    command += ["--log-file", "/data/db/log", "--pid-file", "/data/db/pid"]
    images = {"images": [{"image": "mongo", "command": command}]}
    built = subprocess.run([KUBECTL, "kustomize", str(DEPLOY / "mongodb")], capture_output=True, check=True, timeout=60)
    with meshes() as make:
        mesh = make()
        mesh.up("--network", "namespaces")
        with PodPrograms(mesh) as programs:
            config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "meshmall-images"}}
            programs.apply({**config, "data": {"images.yaml": yaml.safe_dump(images)}})
            objects = [body for body in yaml.safe_load_all(built.stdout) if body]
            for body in objects:
                if body["kind"] == "Secret":
                    body["stringData"]["url"] = "mongodb://mongodb:27017/mall"
            mesh.ok("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
            # The pod before this one, which is ending, may answer once more: its ids are longer.
            until(lambda: len(ask(programs, "POST", "", json.dumps({"name": "zoe"}))) == OBJECT_ID)
            created = ask(programs, "GET", "?name=zoe")
            mesh.ok("down")
            mesh.up("--network", "namespaces")
            for workload in ("statefulset/mongodb", "deployment/users-v1"):
                programs.ok("rollout", "status", workload, "--timeout=55s")
            assert until(lambda: ask(programs, "GET", "?name=zoe")) == created
            claim = programs.ok("get", "persistentvolumeclaim", "data-mongodb-0", "--no-headers")
            assert "Bound" in claim
