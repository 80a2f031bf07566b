"""A pod's status from the states of its containers."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from mesh.pods.container_state import ContainerState
from mesh.pods.pod_status import pod_status, qos_class
from mesh.pods.runtime.interface import Exit
from mesh.resources.core.pod import Pod
from mesh.resources.values.conditions import find_condition


def pod(*containers: dict[str, Any], init: int = 0) -> Pod:
    spec = {
        "containers": [
            {"name": f"c{number}", "image": "i", **container} for number, container in enumerate(containers)
        ],
        "initContainers": [{"name": f"i{number}", "image": "i"} for number in range(init)],
    }
    return msgspec.convert({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}, Pod)


@dataclass
class View:
    ip: str = "10.0.0.1"
    start_time: str = "2026-01-01T00:00:00Z"
    initialized: bool = True
    terminating: bool = False
    failure: tuple[str, str] = ("", "")
    exit_codes: dict[str, int] = field(default_factory=dict)


def shown(of: Pod, view: View, before: dict[str, Any] | None = None, *, running: int = 99) -> dict[str, Any]:
    init = [ContainerState(container) for container in of.spec.init_containers]
    containers = [ContainerState(container) for container in of.spec.containers]
    for state in containers[:running]:
        state.run(1)
    for state in (*init, *containers):
        if state.container.name in view.exit_codes:
            state.terminate(Exit(view.exit_codes[state.container.name], 0), "")
    return pod_status(of, view, init, containers, "127.0.0.1", before or {})


@pytest.mark.parametrize(
    ("view", "running", "phase"),
    [
        (View(), 0, "Pending"),
        (View(initialized=False), 2, "Pending"),
        (View(), 1, "Running"),
        (View(exit_codes={"c0": 1}), 2, "Running"),
        (View(exit_codes={"c0": 0, "c1": 0}), 2, "Succeeded"),
        (View(exit_codes={"c0": 0, "c1": 3}), 2, "Failed"),
        (View(initialized=False, exit_codes={"i0": 1}), 0, "Failed"),
    ],
)
def test_the_phase_sums_up_the_containers(view: View, running: int, phase: str) -> None:
    assert shown(pod({}, {}, init=1), view, running=running)["phase"] == phase


@pytest.mark.parametrize(
    ("view", "running", "status"),
    [(View(), 2, "True"), (View(), 1, "False"), (View(terminating=True), 2, "False")],
)
def test_a_pod_is_ready_while_all_containers_are_and_it_does_not_end(view: View, running: int, status: str) -> None:
    condition = find_condition(shown(pod({}, {}), view, running=running)["conditions"], "Ready")
    assert condition is not None
    assert condition["status"] == status
    if running == 1:
        assert condition["message"] == "containers with unready status: [c1]"


def test_a_condition_that_stays_keeps_its_time() -> None:
    first = shown(pod({}), View())
    then = [{**condition, "lastTransitionTime": "then"} for condition in first["conditions"]]
    later = shown(pod({}), View(terminating=True), {"conditions": then})["conditions"]
    times = {condition["type"]: condition["lastTransitionTime"] for condition in later}
    assert (times["PodScheduled"], times["Initialized"]) == ("then", "then")
    assert times["Ready"] != "then"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
    ],
)
def test_the_class_of_service_follows_from_requests_and_limits(resources: list[Any], expected: str) -> None:
    assert qos_class(pod(*({"resources": resource} for resource in resources))) == expected
