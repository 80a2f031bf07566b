"""A mesh in trouble, in a small setting (`make soak` has the long one): what clients see, and what is kept."""

from collections.abc import Iterator

import pytest

from mesh.client.api import Client
from mesh.resources.values.ref import Ref
from tests.support.endurance import hostile, kill_daemon, kill_envoy, kill_pods, rollouts
from tests.support.mesh import BASELINE, Mesh, meshes, seen

SCORES = Ref("apps", "Deployment", "mesh", "scores-v1")


@pytest.fixture(scope="module")
def mall() -> Iterator[Mesh]:
    with meshes() as make:
        mesh = make()
        mesh.up()
        yield mesh


def test_a_pod_of_two_is_killed_and_no_page_fails(mall: Mesh) -> None:
    figures = kill_pods(mall, 2, "stock", "users")
    assert (figures["kills"], figures["failed"], figures["incomplete"]) == (4, {}, 0)


def test_a_rollout_fails_no_page(mall: Mesh) -> None:
    figures = rollouts(mall, 1, "sales")
    assert (figures["rollouts"], figures["failed"], figures["incomplete"]) == (1, {}, 0)


def test_envoy_is_killed_and_comes_back(mall: Mesh) -> None:
    assert kill_envoy(mall, 1)["kills"] == 1


def test_hostile_requests_reach_no_branch(mall: Mesh) -> None:
    mall.ok("apply", "-f", mall.manifest("jason.yaml"), "--wait")
    figures = hostile(mall, 60, lambda page: seen(page) == BASELINE)
    assert (figures["requests"], figures["wrong workloads"]) == (60, 0)


def test_a_killed_daemon_loses_no_write_and_up_keeps_what_was_changed(mall: Mesh) -> None:
    client = Client(mall.home)
    try:
        client.patch(SCORES, {"spec": {"replicas": 3}})
    finally:
        client.close()
    assert kill_daemon(mall, 2, 100)["lost"] == 0
    client = Client(mall.home)
    try:
        assert client.get(SCORES)["spec"]["replicas"] == 3
    finally:
        client.close()
    assert seen(mall.mall("user=nobody")) == BASELINE
