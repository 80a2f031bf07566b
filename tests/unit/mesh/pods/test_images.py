"""Which containers run from images, and what their configuration and the manifest make together."""

import signal
from typing import Any

import msgspec
import pytest

from mesh.images.manifest import RunConfig
from mesh.pods.images.choice import RUN_FROM, Mode, mode_of, pull_policy, way
from mesh.pods.images.container_image import (
    UserRefused,
    command_line,
    group_of,
    image_environment,
    more_groups,
    stop_signal,
    user_of,
    working_folder,
)
from mesh.resources.core.pod import Container, Pod
from mesh.resources.meshmall.branch import CODE_CONTAINER

MAPPED, STORED, PROGRAMS = ("mapped:1",), ("stored:1",), ("sh", "python3", "/bin/sh")


def pod(*containers: dict[str, Any], annotations: dict[str, str] | None = None, **spec: Any) -> Pod:
    body: dict[str, Any] = {"metadata": {"name": "p", "namespace": "n", "uid": "u", "annotations": annotations or {}}}
    body |= {"apiVersion": "v1", "kind": "Pod"}
    return msgspec.convert({**body, "spec": {"containers": list(containers), **spec}}, Pod)


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "main", "image": "shop:1", **fields}


def decided(pod: Pod, mode: Mode = "auto", number: int = 0) -> str:
    return way(
        pod,
        pod.spec.containers[number],
        mode,
        is_mapped=lambda other: other.image in MAPPED,
        is_stored=lambda other: other.image in STORED,
        is_program=lambda name: name in PROGRAMS,
    )


@pytest.mark.parametrize(
    ("fields", "auto", "always"),
    [
        ({}, "image", "image"),
        ({"args": ["x"]}, "image", "image"),
        ({"image": "mapped:1"}, "machine", "machine"),
        ({"image": "mapped:1", "command": ["other"]}, "machine", "machine"),
        ({"command": ["sh", "-c", "x"]}, "machine", "image"),
        ({"command": ["/bin/sh"]}, "machine", "image"),
        ({"command": ["redis-server"]}, "image", "image"),
        ({"command": ["sh"], "image": "stored:1"}, "image", "image"),
        ({"command": ["sh"], "image": ""}, "machine", "machine"),
    ],
)
def test_which_way_a_container_runs(fields: dict[str, Any], auto: str, always: str) -> None:
    subject = pod(container(**fields))
    assert decided(subject) == auto
    assert decided(subject, "always") == always
    assert decided(subject, "never") == "machine"


def test_a_container_beside_one_of_an_image_was_written_for_its_image() -> None:
    both = pod(container(), container(name="init", command=["sh"]))
    assert decided(both, number=1) == "image"


def test_an_annotation_decides() -> None:
    assert decided(pod(container(command=["sh"]), annotations={RUN_FROM: "image"})) == "image"
    assert decided(pod(container(), annotations={RUN_FROM: "machine"})) == "machine"
    assert decided(pod(container(), annotations={CODE_CONTAINER: "main"})) == "machine"


def test_pull_policies_have_kubernetes_defaults() -> None:
    plain, stated = Container(image="a"), Container(image="a", image_pull_policy="Never")
    assert pull_policy(plain, "latest", "") == "Always"
    assert pull_policy(plain, "1", "") == "IfNotPresent"
    assert pull_policy(plain, "", "sha256:x") == "IfNotPresent"
    assert pull_policy(stated, "latest", "") == "Never"
    assert [mode_of(text) for text in ("always", "never", "auto", "else")] == ["always", "never", "auto", "auto"]


# Kubernetes, "Define a Command and Arguments for a Container": the table of its notes.
@pytest.mark.parametrize(
    ("command", "args", "words"),
    [
        ([], [], ["/ep-1", "foo", "bar"]),
        (["/ep-2"], [], ["/ep-2"]),
        ([], ["zoo", "boo"], ["/ep-1", "zoo", "boo"]),
        (["/ep-2"], ["zoo", "boo"], ["/ep-2", "zoo", "boo"]),
    ],
)
def test_command_and_args_replace_those_of_the_image(command: list[str], args: list[str], words: list[str]) -> None:
    image = RunConfig(entrypoint=["/ep-1"], cmd=["foo", "bar"])
    assert command_line(Container(command=command, args=args), image, {}) == words


def test_references_mean_the_manifests_variables() -> None:
    image = RunConfig(entrypoint=["$(A)"], cmd=["x"])
    assert command_line(Container(args=["$(A)", "$(B)", "$$(A)"]), image, {"A": "1"}) == ["$(A)", "1", "$(B)", "$(A)"]


def test_the_environment_of_an_image() -> None:
    assert image_environment(RunConfig(env=["A=1", "B=x=y", "C"]))["B"] == "x=y"
    assert image_environment(RunConfig())["PATH"].startswith("/usr/local/sbin:")
    assert image_environment(RunConfig(env=["PATH=/a"]))["PATH"] == "/a"


@pytest.mark.parametrize(
    ("user", "context", "result"),
    [
        ("app", {}, "app"),
        ("app:staff", {}, "app:staff"),
        ("app", {"runAsUser": 7}, "7"),
        ("1000", {"runAsNonRoot": True}, "1000"),
        ("", {}, ""),
    ],
)
def test_the_manifests_user_counts_before_the_images(user: str, context: dict[str, Any], result: str) -> None:
    subject = pod(container(securityContext=context))
    assert user_of(subject, subject.spec.containers[0], RunConfig(user=user)) == result


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("", "container has runAsNonRoot and image will run as root"),
        ("0:5", "container has runAsNonRoot and image will run as root"),
        ("app", r"image has non-numeric user \(app\), cannot verify user is non-root"),
    ],
)
def test_run_as_non_root_is_checked_as_by_the_kubelet(user: str, message: str) -> None:
    subject = pod(container(), securityContext={"runAsNonRoot": True})
    with pytest.raises(UserRefused, match=message):
        user_of(subject, subject.spec.containers[0], RunConfig(user=user))


def test_groups() -> None:
    subject = pod(container(), securityContext={"runAsGroup": 5, "supplementalGroups": [6], "fsGroup": 7})
    assert group_of(subject, subject.spec.containers[0]) == 5 and more_groups(subject) == (6, 7)


@pytest.mark.parametrize(
    ("text", "number"),
    [("SIGQUIT", 3), ("quit", 3), ("3", 3), ("", 15), ("NONSENSE", 15), ("SIGRTMIN", signal.SIGRTMIN), ("999", 15)],
)
def test_the_images_stop_signal(text: str, number: int) -> None:
    assert stop_signal(RunConfig(stop_signal=text)) == number
    assert stop_signal(None) == signal.SIGTERM


def test_the_working_folder() -> None:
    assert working_folder(Container(), RunConfig()) == "/"
    assert working_folder(Container(), RunConfig(working_dir="/srv/")) == "/srv"
    assert working_folder(Container(working_dir="/a/../b"), RunConfig(working_dir="/srv")) == "/b"
    assert working_folder(Container(working_dir="/../../x"), RunConfig()) == "/x"
