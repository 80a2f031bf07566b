"""What is killed, and what goes on: the daemon, Envoy, the agent, or all of them at once."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.mesh import Mesh
from tests.support.waiting import until

POSSIBLE = can_use_namespaces()
pytestmark = pytest.mark.skipif(
    isinstance(POSSIBLE, Unavailable),
    reason=f"no network namespaces here: {POSSIBLE.reason if isinstance(POSSIBLE, Unavailable) else ''}",
)


def pids(mesh: Mesh, *words: str) -> list[int]:
    """Processes of this mesh whose command line has all of these words."""
    matches = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                where = str((folder / "cwd").readlink())
            except OSError:
                continue
            if all(word in line for word in words) and (str(mesh.home) in line or where.startswith(str(mesh.home))):
                matches.append(int(folder.name))
    return matches


def pods(mesh: Mesh) -> list[tuple[str, str]]:
    """Name and address of each pod, which a restart would change."""
    rows = mesh.ok("get", "pods", "-n", "mesh", "-o", "wide").splitlines()[1:]
    return sorted((row.split()[0], row.split()[5]) for row in rows)


def kill(*numbers: int) -> None:
    for number in numbers:
        os.kill(number, signal.SIGKILL)
    for number in numbers:
        until(lambda number=number: not Path(f"/proc/{number}/exe").exists())  # type: ignore[misc]


def test_pods_outlive_a_killed_daemon_and_are_adopted(mesh: Mesh) -> None:
    mesh.up("--network", "namespaces")
    before = pods(mesh)
    kill(*pids(mesh, "mesh.daemon.main"))
    # Long enough for a program to die of an output that nobody reads.
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert mesh.mall("user=xx")["recommend"] is not None
    mesh.up()
    assert pods(mesh) == before
    assert mesh.mall("user=xx")["recommend"] is not None
    assert '"path":"/recommend"' in mesh.ok("logs", "deployment/recommend-v1", "-n", "mesh")


def test_pods_outlive_everything_else_and_nothing_is_left_after_down(mesh: Mesh) -> None:
    mesh.up("--network", "namespaces")
    before = pods(mesh)
    kill(*pids(mesh, "mesh.daemon.main"), *pids(mesh, "sandbox.agent"), *pids(mesh, "envoy", "--concurrency"))
    mesh.up()
    assert pods(mesh) == before
    until(lambda: mesh.mall("user=xx")["recommend"] is not None)
    mesh.ok("down")
    assert mesh.processes() == []
    assert [path.name for path in (mesh.home / "run" / "netns").iterdir()] == []


def test_down_ends_what_a_killed_daemon_has_left(mesh: Mesh) -> None:
    mesh.up("--network", "namespaces")
    kill(*pids(mesh, "mesh.daemon.main"))
    mesh.ok("down")
    assert mesh.processes() == []


def test_a_user_s_own_pod_runs_again_after_down_and_up(mesh: Mesh) -> None:
    mesh.up("--empty")
    spec = {"containers": [{"name": "main", "command": ["sleep", "1000"]}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mine", "namespace": "default"}, "spec": spec}
    once = {**pod, "metadata": {"name": "once", "namespace": "default"}}
    once["spec"] = {"restartPolicy": "Never", "containers": [{"name": "main", "command": ["true"]}]}
    mesh.ok("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, once]}))
    until(lambda: "Completed" in mesh.ok("get", "pods", "-n", "default"))
    mesh.ok("down")
    mesh.up("--empty")
    until(lambda: "Running" in mesh.ok("get", "pods", "-n", "default"))
    assert "Completed" in mesh.ok("get", "pods", "-n", "default")


def test_a_job_that_ends_while_there_is_no_daemon_is_not_run_again(mesh: Mesh, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)  # containers run as users of their own
    mesh.up("--empty", "--network", "namespaces")
    jobs = [job(tmp_path, "good", 0), job(tmp_path, "bad", 3), job(tmp_path, "slow", 0)]
    mesh.ok("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": jobs}))
    until(lambda: mesh.ok("get", "pods", "-n", "default").count("1/1") == 3)
    kill(*pids(mesh, "mesh.daemon.main"))
    for name in ("good", "bad"):
        (tmp_path / f"{name}.go").touch()
    until(lambda: (tmp_path / "good.over").exists() and (tmp_path / "bad.over").exists())
    # The end of the script is a moment after its last line.
    until(lambda: not pids(mesh, "good.go") and not pids(mesh, "bad.go"))
    mesh.up("--empty")
    until(lambda: state(mesh, "good") == "Complete" and state(mesh, "bad") == "Failed")
    assert state(mesh, "slow") == "Running"
    (tmp_path / "slow.go").touch()
    until(lambda: state(mesh, "slow") == "Complete")
    assert {name: runs(tmp_path, name) for name in ("good", "bad", "slow")} == {"good": 1, "bad": 1, "slow": 1}
    pod = json.loads(mesh.ok("get", "pods", "-n", "default", "-l", "job-name=bad", "-o", "json"))["items"][0]
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def job(folder: Path, name: str, code: int) -> dict[str, Any]:
    """A Job that notes each run, and ends with an exit code once a file is there."""
    script = f"""
        echo run >> /shared/{name}.runs
        while [ ! -e /shared/{name}.go ]; do sleep 0.05; done
        touch /shared/{name}.over
        exit {code}
    """
    mount = {"name": "shared", "mountPath": "/shared"}
    container = {"name": "main", "command": ["sh", "-c", script], "volumeMounts": [mount]}
    volume = {"name": "shared", "hostPath": {"path": str(folder)}}
    template = {"spec": {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}}
    spec = {"backoffLimit": 0, "template": template}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def state(mesh: Mesh, name: str) -> str:
    """The word in the STATUS column of a Job."""
    return mesh.ok("get", "job", name, "-n", "default").splitlines()[1].split()[1]


def runs(folder: Path, name: str) -> int:
    return len((folder / f"{name}.runs").read_text().split())
