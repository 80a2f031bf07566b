"""The workflow of docs/jobs.md: its commands as printed, as a CI system runs them."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import yaml

from tests.support.mesh import Mesh
from tests.support.places import ROOT
from tests.support.shell import run_script

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "jobs.md").read_text()
# What a runner's own machine needs, and a test must not do to this one.
SET_UP = ("pip install", "sudo ")


def commands() -> list[str]:
    match = re.search(r"^```yaml\n(name: preview\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert match is not None
    steps = yaml.safe_load(match[1])["jobs"]["branch"]["steps"]
    return [step["run"] for step in steps if "run" in step and not step["run"].startswith(SET_UP)]


def test_the_workflow_runs_as_it_is_printed(new_mesh: Callable[[], Mesh], tmp_path: Path) -> None:
    mesh = new_mesh()
    environment = {
        "HOME": str(tmp_path),
        "MESHMALL_HOME": str(mesh.home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    for command in commands():
        # The one thing that differs: other meshes run beside this one.
        run_script(command.replace("meshmall up", f"meshmall up --address {mesh.address}"), tmp_path, environment)
    suite = Xml.parse(tmp_path / "branch-diff.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")
    summary = (tmp_path / "summary.md").read_text()
    for heading in ("## Problems", "## Workloads", "## Branches", "## Who calls whom", "## The daemon's log"):
        assert heading in summary
    assert "mesh/ci | Ready | products (fork)" in summary
    page = (tmp_path / "meshmall-report.html").read_text()
    assert "<h2>Requests that failed</h2>" in page
    assert (mesh.home / "token").read_text().strip() not in page + summary
    # A change that shows is a failure in the XML, and of the step.
    mesh.ok("branch", "create", "bad", "--fork", "recommend", "--env", "BANNER=true")
    ran = mesh.run("branch", "diff", "bad", "/api/mall", "--junit", str(tmp_path / "bad.xml"))
    failure = Xml.parse(tmp_path / "bad.xml").getroot()[0][0][0]
    assert (ran.code, failure.tag) == (1, "failure")
    assert "body .recommend.banner: baseline false, bad true" in (failure.text or "")
