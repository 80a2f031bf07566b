"""The words for what a pod is doing are a real cluster's."""

from typing import Any

import pytest

from mesh.resources.columns import pods
from mesh.resources.values.body import Body
from tests.unit.mesh.resources.columns.test_core import shown

ENDED = {"terminated": {"reason": "Completed", "exitCode": 0}}
FAILED = {"terminated": {"reason": "Error", "exitCode": 1}}
RUNNING: Body = {"running": {}}
WAITING = {"waiting": {"reason": "PodInitializing"}}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "Pending"),
        ({"phase": "Running"}, "Running"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        (
            {"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
            "CrashLoopBackOff",
        ),
        ({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "Error"}}}]}, "Error"),
    ],
)
def test_a_pods_state_is_a_containers_reason_before_the_phase(status: Body, state: str) -> None:
    assert pods.pod_state({"metadata": {}, "status": status}) == state


def test_a_pod_that_is_being_deleted_is_terminating() -> None:
    assert pods.pod_state({"metadata": {"deletionTimestamp": "now"}, "status": {"phase": "Running"}}) == "Terminating"


def test_a_pod_counts_ready_containers_and_restarts() -> None:
    statuses = [{"ready": True, "restartCount": 2}, {"ready": False, "restartCount": 1}]
    cells = shown(pods.POD, spec={"containers": [{}, {}]}, status={"containerStatuses": statuses, "podIP": "10.0.0.1"})
    assert (cells["Ready"], cells["Restarts"], cells["IP"], cells["Node"]) == ("1/2", "3", "10.0.0.1", "<none>")


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        ({"state": RUNNING}, {"state": WAITING}, "Init:0/2"),
        ({"state": ENDED}, {"state": WAITING}, "Init:1/2"),
        ({"state": FAILED}, {"state": WAITING}, "Init:Error"),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, {"state": WAITING}, "Init:CrashLoopBackOff"),
        ({"state": ENDED}, {"state": {"terminated": {"exitCode": 137, "signal": 9}}}, "Init:Signal:9"),
        ({"state": ENDED}, {"state": {"terminated": {"exitCode": 3}}}, "Init:ExitCode:3"),
        ({"state": ENDED}, {"state": ENDED}, "PodInitializing"),
        # A sidecar that has started lets the next container go on.
        ({"name": "proxy", "started": True, "state": RUNNING}, {"state": RUNNING}, "Init:1/2"),
    ],
)
def test_a_pod_that_is_being_initialized_says_how_far_it_is(first: Body, second: Body, state: str) -> None:
    body = initialized_by(first, second, phase="Pending", containerStatuses=[{"state": WAITING}])
    assert pods.pod_state(body) == state


def initialized_by(*entries: Body, **status: Any) -> Body:
    """A pod with init containers in these states; one that is named proxy is a sidecar."""
    containers = [{"name": "proxy", "restartPolicy": "Always"} if "name" in entry else {} for entry in entries]
    return {
        "metadata": {"name": "a"},
        "spec": {"initContainers": containers, "containers": [{}]},
        "status": {"initContainerStatuses": list(entries), **status},
    }


def test_restarts_are_those_of_init_containers_until_they_are_over() -> None:
    init = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4}
    body = initialized_by(init, containerStatuses=[{"state": WAITING, "restartCount": 0}])
    assert shown(pods.POD, **body)["Restarts"] == "4"
    body = initialized_by({**init, "state": ENDED}, containerStatuses=[{"state": RUNNING, "restartCount": 1}])
    assert shown(pods.POD, **body)["Restarts"] == "1"


def test_sidecars_count_among_the_ready_containers() -> None:
    sidecar = {"name": "proxy", "started": True, "ready": True, "restartCount": 2, "state": RUNNING}
    body = initialized_by(sidecar, phase="Running", containerStatuses=[{"state": RUNNING, "ready": True}])
    cells = shown(pods.POD, **body)
    assert (cells["Ready"], cells["Status"], cells["Restarts"]) == ("2/2", "Running", "2")


@pytest.mark.parametrize(("ready", "state"), [("True", "Running"), ("False", "NotReady")])
def test_a_completed_container_beside_one_that_runs_does_not_complete_the_pod(ready: str, state: str) -> None:
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": ready}],
        "containerStatuses": [{"state": ENDED}, {"state": RUNNING, "ready": True}],
    }
    assert pods.pod_state({"metadata": {}, "status": status}) == state


def test_a_pod_that_has_ended_says_how_until_it_is_gone() -> None:
    status = {"phase": "Succeeded", "containerStatuses": [{"state": ENDED}]}
    assert pods.pod_state({"metadata": {"deletionTimestamp": "now"}, "status": status}) == "Completed"
