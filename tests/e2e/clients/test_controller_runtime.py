"""A controller-runtime program against the mesh's API: cached reads, watches, owner references, leader election."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mesh import Mesh
from tests.support.waiting import until

SOURCE = Path(__file__).with_name("programs") / "controller"
BUILD_LIMIT = 900.0


@pytest.fixture
def controller(mall: Mesh, tmp_path: Path) -> Iterator[Path]:
    """The program, while it runs; what it writes is in this file."""
    if (go := shutil.which("go")) is None:
        pytest.skip("no go on this machine")
    program, log = tmp_path / "mirror", tmp_path / "log"
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(program), "."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT,
        check=False,
    )
    if built.returncode:
        pytest.skip(f"go cannot build it here: {built.stderr.strip().splitlines()[-1]}")
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "KUBECONFIG": str(mall.home / "kubeconfig")}
    with (
        log.open("wb") as output,
        subprocess.Popen([program], env=environment, stdout=output, stderr=output) as process,
    ):
        yield log
        process.terminate()


def data_of(mall: Mesh, name: str) -> dict[str, str] | None:
    ran = mall.run("get", "configmap", name, "-o", "json")
    return None if ran.code else json.loads(ran.out)["data"]


@pytest.mark.slow
def test_a_controller_keeps_copies(mall: Mesh, controller: Path) -> None:
    def source(**data: str) -> str:
        metadata = {"name": "rose", "namespace": "mesh", "labels": {"mirror": "yes"}}
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    mall.ok("apply", "-f", "-", stdin=source(colour="red"))
    until(lambda: data_of(mall, "rose-copy") == {"colour": "red"}, 60, controller.read_text)
    mall.ok("apply", "-f", "-", stdin=source(colour="white"))
    until(lambda: data_of(mall, "rose-copy") == {"colour": "white"}, 60, controller.read_text)
    # Somebody deletes the copy: the watch of owned objects brings it back.
    mall.ok("delete", "configmap", "rose-copy")
    until(lambda: data_of(mall, "rose-copy") == {"colour": "white"}, 60, controller.read_text)
    lease = json.loads(mall.ok("get", "lease", "mirror", "-o", "json"))
    assert lease["spec"]["holderIdentity"]
    # The copy goes with its owner.
    mall.ok("delete", "configmap", "rose")
    until(lambda: data_of(mall, "rose-copy") is None, 60, controller.read_text)
