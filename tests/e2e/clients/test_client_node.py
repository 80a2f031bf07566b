"""@kubernetes/client-node against the mesh's API: an informer, exec, port-forward. (2.x needs Node.js 22.)"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.inside import node_packages
from tests.support.mesh import Mesh

PROGRAM = Path(__file__).with_name("programs") / "informer.js"


def test_an_informer_exec_and_port_forward(mall: Mesh) -> None:
    (pod,) = json.loads(mall.ok("get", "pods", "-l", "app=mall", "-o", "json"))["items"]
    with tempfile.TemporaryDirectory(prefix="mesh-node-") as folder:
        node_packages(Path(folder), "@kubernetes/client-node@1.4.0")
        program = Path(folder) / "informer.mjs"
        shutil.copyfile(PROGRAM, program)
        ended = subprocess.run(
            ["node", str(program), pod["metadata"]["name"], "7000"],
            env={"PATH": os.environ["PATH"], "HOME": folder, "KUBECONFIG": str(mall.home / "kubeconfig")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    answers = json.loads(ended.stdout)
    assert answers["informed"] == ["add", "update", "delete"]
    assert answers["executed"] == {"output": "v1\n", "code": 7}
    assert answers["forwarded"] == 200
