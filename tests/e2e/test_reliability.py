"""A mesh in trouble, in a small setting (`make soak` has the long one): what clients see, and what is kept."""

import os
import signal
from collections.abc import Iterator

import pytest

from mesh.client.api import Client
from mesh.daemon.home import Home
from mesh.envoy.process.records import NAMES, path_of
from mesh.resources.values.ref import Ref
from tests.support.attacks import full_disk, neighbour, telemetry
from tests.support.endurance import LIMIT, hostile, kill_daemon, kill_envoy, kill_pods, rollouts, stop_pods
from tests.support.mesh import BASELINE, Mesh, meshes, seen
from tests.support.waiting import until

SCORES = Ref("apps", "Deployment", "mesh", "scores-v1")


@pytest.fixture(scope="module")
def mall() -> Iterator[Mesh]:
    with meshes() as make:
        mesh = make()
        mesh.up()
        yield mesh


def test_a_pod_of_two_is_killed_and_no_page_fails(mall: Mesh) -> None:
    figures = kill_pods(mall, 2, "stock", "recommend")
    assert (figures["kills"], figures["failed"], figures["incomplete"]) == (4, {}, 0)


def test_a_pod_of_two_is_stopped_and_no_page_fails(mall: Mesh) -> None:
    if not mall.has_namespaces:
        pytest.skip("on loopback addresses, requests on their way to the pod wait for their timeout")
    figures = stop_pods(mall, "recommend", "stock")
    assert (figures["stops"], figures["failed"], figures["incomplete"]) == (2, {}, 0)


def test_a_rollout_fails_no_page(mall: Mesh) -> None:
    figures = rollouts(mall, 1, "sales")
    assert (figures["rollouts"], figures["failed"], figures["incomplete"]) == (1, {}, 0)


def test_envoy_is_killed_and_comes_back(mall: Mesh) -> None:
    assert kill_envoy(mall, 1)["kills"] == 1


def test_hostile_requests_reach_no_branch(mall: Mesh) -> None:
    mall.ok("apply", "-f", mall.manifest("jason.yaml"), "--wait")
    figures = hostile(mall, 60, lambda page: seen(page) == BASELINE)
    assert (figures["requests"], figures["wrong workloads"]) == (60, 0)


def test_garbage_in_ids_hides_no_good_request(mall: Mesh) -> None:
    figures = telemetry(mall, 50)
    assert (figures["good"], figures["lost"], figures["branches made up"]) == (1, 0, 0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_locks_nobody_out_and_is_not_let_in(mall: Mesh) -> None:
    figures = neighbour(mall, 0, 100)
    assert figures["calls"] > 0
    assert (figures["let in"], figures["failed"], figures["incomplete"]) == (0, {}, 0)


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_rollout_goes_on_by_itself_after_the_disk_was_full() -> None:
    with meshes() as make:
        figures = full_disk(make(), 3)
    assert (figures["moments"], figures["problems"]) == (3, [])


def test_a_killed_daemon_loses_no_write_and_no_page_and_up_keeps_what_was_changed(mall: Mesh) -> None:
    client = Client(mall.home)
    try:
        client.patch(SCORES, {"spec": {"replicas": 3}})
    finally:
        client.close()
    namespaces = mall.has_namespaces
    envoys = [path_of(mall.home, name).read_text() for name in NAMES if namespaces]
    figures = kill_daemon(mall, 2, 100)
    assert figures["lost"] == 0
    # On loopback addresses pods end with the daemon.
    if namespaces:
        assert (figures["failed"], figures["incomplete"]) == ({}, 0)
        assert [path_of(mall.home, name).read_text() for name in NAMES] == envoys
    client = Client(mall.home)
    try:
        assert client.get(SCORES)["spec"]["replicas"] == 3
    finally:
        client.close()
    assert seen(mall.mall("user=nobody")) == BASELINE


def test_a_supervisor_sees_the_daemon_end_and_starts_it_again(mall: Mesh) -> None:
    mall.ok("down")
    for number, code in ((signal.SIGKILL, 1), (signal.SIGTERM, 0)):
        with mall.foreground("--empty") as process:
            until(lambda: _daemon(mall) is not None, LIMIT)
            daemon = _daemon(mall)
            assert daemon is not None
            # Once it has said where kubectl finds the mesh, it stays.
            assert process.stdout is not None
            while "kubectl" not in (line := process.stdout.readline()):
                assert line
            os.kill(daemon if number == signal.SIGKILL else process.pid, number)
            assert process.wait(LIMIT) == code
            assert _daemon(mall) is None


def _daemon(mesh: Mesh) -> int | None:
    running = Home(mesh.home).running()
    return running.pid if running is not None else None
