"""What a person can get wrong: a clear message, a non-zero exit code, nothing changed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mesh import JASON, Mesh, Ran, answers, seen
from tests.support.waiting import until

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {name}
          command: {command}
          readinessProbe: {{exec: {{command: ["false"]}}}}
"""
RULE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: extra}
spec:
  hosts: [mall]
  http:
    - match: [{headers: {x-test: {regex: '\\p{Nothing}'}}}]
      route: [{destination: {host: mall}}]
    - route: [{destination: {host: mall}}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: other}}
spec:
  type: NodePort
  selector: {{app: other}}
  ports: [{{port: 80, nodePort: {port}}}]
"""


@pytest.fixture
def kept(demo: Mesh) -> Iterator[Mesh]:
    """The demo's mesh; nothing of what is stored may have changed after the test."""
    before = demo.ok("get", "all", "-A", "-o", "name")
    yield demo
    assert demo.ok("get", "all", "-A", "-o", "name") == before


def refused(ran: Ran, *says: str) -> None:
    assert ran.code == 1, ran
    for text in says:
        assert text in ran.err, ran.err
    assert "Traceback" not in ran.err


def test_what_is_not_yaml_names_the_line(kept: Mesh) -> None:
    refused(kept.run("apply", "-f", "-", stdin="kind: [\n"), "standard input:2: not YAML")


def test_a_file_that_is_not_there_is_named(kept: Mesh) -> None:
    refused(kept.run("apply", "-f", "/nowhere.yaml"), "/nowhere.yaml: No such file or directory")


def test_a_missing_kind_is_told(kept: Mesh) -> None:
    refused(kept.run("apply", "-f", "-", stdin="apiVersion: v1\nmetadata: {name: x}\n"), "kind: is missing")


def test_one_misspelt_field_refuses_the_whole_file(kept: Mesh) -> None:
    good = DEPLOYMENT.format(name="good", command="[sleep, '1']")
    bad = DEPLOYMENT.format(name="bad", command="[sleep, '1']").replace("selector", "selectr")
    ran = kept.run("apply", "-f", "-", stdin=f"{good}---{bad}")
    refused(ran, 'Deployment mesh/bad: spec.selectr: unknown field; did you mean "selector"?', "nothing was changed")


def test_a_subset_that_does_not_exist_is_refused(kept: Mesh) -> None:
    text = RULE.replace("host: mall}", "host: mall, subset: v3}")
    ran = kept.run("apply", "-f", "-", stdin=text)
    refused(ran, '"v3" is not a subset of DestinationRule mesh/mall (it has v1, v2)')


def test_a_node_port_that_somebody_holds_is_refused(kept: Mesh) -> None:
    refused(kept.run("apply", "-f", "-", stdin=SERVICE.format(port=31004)), "31004 is taken by Service mesh/mall")
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((kept.address, 31999))
        held.listen()
        refused(kept.run("apply", "-f", "-", stdin=SERVICE.format(port=31999)), "spec.ports[0].nodePort", "31999")


def test_a_dry_run_changes_nothing(kept: Mesh) -> None:
    text = DEPLOYMENT.format(name="dry", command="[sleep, '1']")
    assert "created (dry run)" in kept.ok("apply", "-f", "-", "--dry-run", stdin=text)


def test_unknown_kinds_names_and_outputs_are_told(kept: Mesh) -> None:
    refused(kept.run("get", "podz"), 'unknown kind "podz"', "pods")
    refused(kept.run("get", "pod", "nobody"), '"nobody" not found')
    refused(kept.run("logs", "nobody"), '"nobody" not found')
    assert kept.run("get", "pods", "-o", "xml").code == 2


def test_a_rule_that_envoy_refuses_shows_on_the_object_and_changes_nothing_else(mesh: Mesh) -> None:
    mesh.up(command="demo")
    refused(
        mesh.run("apply", "-f", "-", stdin=RULE), "VirtualService mesh/extra: Envoy refused it", "invalid character"
    )
    assert "False" in next(line for line in mesh.ok("get", "vs", "-o", "wide").splitlines() if line.startswith("extra"))
    assert seen(mesh.mall("user=jason")) == JASON
    assert mesh.run("status").code == 1
    mesh.ok("delete", "-f", mesh.manifest("fox.yaml"))
    mesh.ok("delete", "-f", "-", stdin=RULE)
    assert mesh.run("status").code == 0


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("[no-such-program]", ('"no-such-program": no such program',)),
        ("[sh, -c, 'echo the last words; exit 3']", ("CrashLoopBackOff", "the last words")),
    ],
)
def test_a_container_that_does_not_run_is_told_with_its_reason(mesh: Mesh, command: str, says: tuple[str, ...]) -> None:
    mesh.up("--empty")
    ran = mesh.run("apply", "--wait", "-f", "-", stdin=DEPLOYMENT.format(name="bad", command=command))
    refused(ran, "Deployment mesh/bad: pod bad-", *says)


def test_a_port_in_use_names_it_and_the_option(mesh: Mesh) -> None:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((mesh.address, 8080))
        held.listen()
        ran = mesh.run("up", "--address", mesh.address)
        refused(ran, f"{mesh.address}:8080 (the gateway) cannot be used", "--gateway-port")
    assert mesh.processes() == []


def test_a_second_up_changes_nothing_and_is_refused_with_other_options(demo: Mesh) -> None:
    assert f"the mesh is already running in {demo.home}" in demo.ok("up")
    other = demo.run("up", "--gateway-port", "8099")
    refused(other, f"a mesh is already running in {demo.home}", "without --gateway-port 8099", "meshmall down")
    refused(demo.run("up", "--foreground"), f"a mesh is already running in {demo.home}", "meshmall down")
    assert seen(demo.mall("user=jason")) == JASON


def test_commands_without_a_mesh_say_how_to_start_one(mesh: Mesh) -> None:
    for words in (["status"], ["get", "pods"], ["apply", "-f", mesh.manifest("fox.yaml")]):
        refused(mesh.run(*words), f"no mesh is running in {mesh.home}", "meshmall up")


def test_a_home_that_cannot_be_written_is_named(mesh: Mesh) -> None:
    mesh.home.parent.mkdir(exist_ok=True)
    mesh.home.write_text("a file, not a folder")
    refused(mesh.run("up", "--address", mesh.address), f"cannot write to the mesh's home {mesh.home}")
    mesh.home.unlink()


def test_a_full_disk_is_told_and_nothing_is_left(mesh: Mesh) -> None:
    mesh.environ["MESHMALL_HOME"] = "/dev/full/home"
    ran = mesh.run("up", "--address", mesh.address)
    refused(ran, "cannot write to the mesh's home /dev/full/home")
    del mesh.environ["MESHMALL_HOME"]


def test_down_leaves_no_process_and_no_listening_port(mesh: Mesh) -> None:
    mesh.up()
    before = set(Path(mesh.home).parent.iterdir())
    assert answers(mesh.gateway)
    mesh.ok("down")
    assert mesh.processes() == []
    assert not answers(mesh.gateway)
    assert not answers(f"http://{mesh.address}:31004")
    assert set(Path(mesh.home).parent.iterdir()) == before
    assert "no mesh is running" in mesh.ok("down")
    mesh.ok("down", "--purge")
    assert not mesh.home.exists()


def test_a_killed_daemon_loses_nothing_and_its_processes_are_ended(mesh: Mesh) -> None:
    mesh.up(command="demo")
    pid = int(mesh.ok("status").split("pid ")[1].split(",")[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: mesh.run("status").code == 1)
    assert mesh.processes()
    mesh.ok("up")
    until(lambda: seen(mesh.mall("user=jason")) == JASON)
    os.kill(int(mesh.ok("status").split("pid ")[1].split(",")[0]), signal.SIGKILL)
    mesh.ok("down")
    assert mesh.processes() == []


def test_a_branch_whose_deployment_exists_already_is_refused_at_once(kept: Mesh) -> None:
    create = ("branch", "create", "jason", "--cookie", "user=jason", "--fork", "recommend", "--env", "BANNER=true")
    refused(
        kept.run(*create),
        "spec.services[recommend]: Deployment mesh/recommend-jason, which the branch would create, already exists and "
        "does not belong to the branch; delete it or choose another branch name",
        "nothing was changed",
    )
    assert kept.ok("branch", "list", "-o", "name") == ""


SLOW = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: {grace}
      containers:
        - name: {name}
          command: [sh, -c, "trap '' TERM; while :; do sleep 0.1; done"]
"""


def test_delete_waits_for_the_pods_of_its_own_deployments_alone(mesh: Mesh) -> None:
    mesh.up("--empty")
    short, long = SLOW.format(name="shop", grace=1), SLOW.format(name="shop-v2", grace=60)
    mesh.ok("apply", "--wait", "-f", "-", stdin=f"{short}---{long}")
    mesh.ok("delete", "--no-wait", "-f", "-", stdin=long)
    mesh.ok("delete", "--timeout", "20", "-f", "-", stdin=short)  # with shop-v2's pod it would take 60 seconds
    (left,) = mesh.ok("get", "pods", "-o", "name").split()
    assert left.startswith("pod/shop-v2-")


def test_home_and_namespace_may_stand_before_the_command_or_after_it(kept: Mesh) -> None:
    after = kept.ok("get", "pods", "-o", "name", "-n", "mesh")
    assert kept.ok("-n", "mesh", "get", "pods", "-o", "name") == after != ""
    assert kept.ok("--home", str(kept.home), "-n", "elsewhere", "get", "pods") == "no objects in namespace elsewhere\n"
    assert kept.ok("-n", "elsewhere", "get", "pods", "-o", "name", "-n", "mesh") == after


def test_help_says_what_each_command_does() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "meshmall", "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    for command in ("up", "demo", "apply", "delete", "get", "logs", "status", "down"):
        assert f" {command} " in ran.stdout
