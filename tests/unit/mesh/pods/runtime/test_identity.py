"""As whom containers run: a pure function of the manifest and of the mesh's own user."""

import os
from typing import Any, cast

import pytest

from mesh.pods.runtime.identity import DEFAULT_CAPABILITIES, MESH_UID, Identity, identity_of
from mesh.resources.core.pod import Pod
from mesh.resources.validation.manifest import validate

ORDINARY = 64_123


def pod_of(pods: dict[str, Any], container: dict[str, Any]) -> Pod:
    main = {"name": "main", "image": "none", "securityContext": container}
    spec = {"containers": [main], "securityContext": pods}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    return cast(Pod, validate(body, "mesh").typed)


def identity(pods: dict[str, Any] | None = None, container: dict[str, Any] | None = None, *, uid: int = 0) -> Identity:
    pod = pod_of(pods or {}, container or {})
    return identity_of(pod, pod.spec.containers[0], own_uid=uid)


def test_a_pod_that_names_nobody_runs_as_the_meshs_unprivileged_user_under_root() -> None:
    assert identity() == Identity(MESH_UID, MESH_UID, (), None, DEFAULT_CAPABILITIES)


def test_a_container_counts_before_its_pod() -> None:
    pods = {"runAsUser": 64_500, "runAsGroup": 64_501, "fsGroup": 64_502, "supplementalGroups": [64_503]}
    whole = identity(pods)
    assert whole[:4] == (64_500, 64_501, (64_503, 64_502), 64_502)
    own = identity(pods, {"runAsUser": 64_600, "runAsGroup": 0})
    assert own[:4] == (64_600, 0, (64_503, 64_502), 64_502)


def test_a_user_without_a_group_gets_that_of_its_account_and_never_roots() -> None:
    assert identity({"runAsUser": 64_500}).gid == 64_500
    assert identity({"runAsUser": 1}).gid == 1


def test_root_in_a_pod_is_asked_for_by_name() -> None:
    assert identity({"runAsUser": 0})[:2] == (0, 0)
    assert identity({"runAsUser": 0}, uid=ORDINARY)[:2] == (0, 0)
    assert identity({"runAsUser": 0}, uid=ORDINARY).limitations == ()


def test_an_ordinary_user_can_be_nobody_else_and_is_told_so() -> None:
    own = identity({"runAsUser": ORDINARY, "fsGroup": os.getgid()}, uid=ORDINARY)
    assert own == Identity(None, None, (), None, DEFAULT_CAPABILITIES)
    other = identity({"runAsUser": 64_500, "fsGroup": os.getgid() + 1}, uid=ORDINARY)
    assert other[:4] == (None, None, (), None)
    assert [limitation.reason for limitation in other.limitations] == ["UserIgnored", "UserIgnored"]
    assert other.limitations[0].message == (
        f"container main: runAsUser 64500 is not possible for the user {ORDINARY}; it runs as {ORDINARY}"
    )


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, DEFAULT_CAPABILITIES),
        ({"drop": ["ALL"]}, ()),
        ({"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}, ("NET_BIND_SERVICE",)),
        ({"drop": ["cap_chown"]}, tuple(name for name in DEFAULT_CAPABILITIES if name != "CHOWN")),
        ({"add": ["CAP_SYS_TIME", "KILL"]}, (*DEFAULT_CAPABILITIES, "SYS_TIME")),
        ({"add": ["ALL"]}, DEFAULT_CAPABILITIES),
    ],
)
def test_capabilities_are_the_default_less_drop_plus_add(
    capabilities: dict[str, list[str]], expected: tuple[str, ...]
) -> None:
    assert identity(container={"capabilities": capabilities}).capabilities == expected


def test_the_root_file_system_is_read_only_where_the_container_says_so() -> None:
    assert identity(container={"readOnlyRootFilesystem": True}).read_only_root
    assert not identity().read_only_root
