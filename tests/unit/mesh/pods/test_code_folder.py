"""A fork whose code lies in another folder."""

import pytest

from mesh.branches.forks import fork
from mesh.pods.code_folder import CodeFolder
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import Branch, Fork
from mesh.resources.validation.manifest import validate
from mesh.resources.values.body import Body

THERE = {"/tree", "/tree/run.py", "/tree/src", "/tree/conf/a.yaml", "/repo/node_modules"}
CODE = CodeFolder("/tree", "/repo")


def exists(path: str) -> bool:
    return path in THERE


def fork_of(container: Body, change: Fork) -> Pod:
    """A pod of the fork of a Deployment with this container."""
    labels = {"app": "orders"}
    containers = [{"name": "main", "image": "none", **container}, {"name": "b", "image": "b"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"}, "spec": spec}
    baseline = validate(body, "shop").typed
    body = {"apiVersion": "meshmall.dev/v1", "kind": "Branch", "metadata": {"name": "fox"}}
    branch = validate({**body, "spec": {"services": {"orders": {"fork": {}}}}}, "shop").typed
    assert isinstance(baseline, Deployment)
    assert isinstance(branch, Branch)
    forked = fork(branch, "orders", change, baseline)["spec"]["template"]
    metadata = {"name": "p", "annotations": forked["metadata"].get("annotations", {})}
    pod = validate({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": forked["spec"]}, "shop").typed
    assert isinstance(pod, Pod)
    return pod


def test_a_forks_folder_replaces_the_baselines_and_the_images() -> None:
    pod = fork_of({"workingDir": "/repo"}, Fork(working_dir="/tree"))
    main, other = pod.spec.containers
    assert CodeFolder.of(pod, main, "") == ("/tree", "/repo")
    assert CodeFolder.of(pod, main, "/images") == ("/tree", "/images")
    assert CodeFolder.of(pod, other, "") is None


def test_a_folder_that_is_the_manifests_own_means_one_in_the_image() -> None:
    pod = fork_of({"workingDir": "/repo"}, Fork(env=[]))
    assert CodeFolder.of(pod, pod.spec.containers[0], "/images") is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("/repo/run.py", "/tree/run.py"),
        ("--config=/repo/conf/a.yaml", "--config=/tree/conf/a.yaml"),
        ("/repo", "/tree"),
        ("/repo/only-there.py", "/repo/only-there.py"),
        ("/repository/run.py", "/repository/run.py"),
        ("NAME=/repo/run.py", "NAME=/repo/run.py"),
        ("run.py", "run.py"),
    ],
)
def test_words_that_name_the_baselines_folder_name_the_forks(word: str, expected: str) -> None:
    assert CODE.words([word], exists) == [expected]


def test_languages_look_into_the_folder_first() -> None:
    moved = CODE.variables({"PYTHONPATH": "/repo/src:/lib", "CONFIG": "/repo/conf/a.yaml"}, exists)
    assert moved == {
        "PYTHONPATH": "/tree/src:/tree:/tree/src:/lib",
        "CONFIG": "/tree/conf/a.yaml",
        "NODE_PATH": "/repo/node_modules",
    }
    assert CodeFolder("/tree", "").variables({}, exists) == {"PYTHONPATH": "/tree/src:/tree"}


def test_an_interactive_fork_has_a_terminal_and_no_probe_that_a_breakpoint_fails() -> None:
    probe = {"httpGet": {"path": "/", "port": 8080}}
    container = {"ports": [{"containerPort": 8080}], "livenessProbe": probe, "readinessProbe": probe}
    main = fork_of(container, Fork(interactive=True)).spec.containers[0]
    assert (main.stdin, main.tty, main.liveness_probe) == (True, True, None)
    assert main.readiness_probe is not None
    assert main.readiness_probe.tcp_socket is not None
    assert main.readiness_probe.tcp_socket.port == 8080
