"""The README's section on kubectl, line by line, from an empty home."""

import os
import re
import shutil
import sys
from pathlib import Path

from tests.support.mesh import Mesh
from tests.support.places import ROOT
from tests.support.shell import run_script

BIN = Path(sys.executable).parent


def lines_of(title: str) -> list[str]:
    """The indented lines of a section."""
    section = (ROOT / "README.md").read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def test_every_line_does_what_it_says(mesh: Mesh) -> None:
    lines = lines_of("With kubectl")
    assert "kubectl apply -f deploy/mesh-mall-v1.yaml -n mesh" in lines
    assert "kubectl apply -f deploy/mesh-routing.yaml -n mesh" in lines
    assert len(lines) > 8
    # The one thing that a reader does not type: this mesh's own address, beside other meshes.
    lines = [f"{line} --address {mesh.address}" if line.startswith("meshmall up") else line for line in lines]
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    assert shutil.which("kubectl", path=path)
    environment = {**os.environ, "PATH": path, "MESHMALL_HOME": str(mesh.home), "HOME": str(mesh.home)}
    printed = run_script("\n".join(lines), ROOT, environment, trace=True)
    for text in (
        "deployment.apps/mall-v1 created",
        "virtualservice.networking.istio.io/mall-gateway created",
        "deployment.apps/users-v1 condition met",
        "FIELD: match",
        '"message":"listening"',
        "successfully rolled out",
        "31004/TCP",
    ):
        assert text in printed, printed
    assert re.search(r"mall-v1-\S+ +\d+m", printed)
