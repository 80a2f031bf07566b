"""Why a pod is not ready, as its status says."""

from typing import Any

import pytest

from mesh.resources.analysis.unready import PROBE_SEPARATOR, causes, summary
from mesh.resources.values.body import Body


def entry(name: str, state: Body) -> Body:
    return {"name": name, "image": f"{name}:1", "state": state}


def pod(*containers: Body, init: tuple[Body, ...] = (), unready: str = "") -> dict[str, Any]:
    conditions = [{"type": "ContainersReady", "status": "False", "message": f"containers ...{unready}"}]
    return {
        "status": {
            "initContainerStatuses": list(init),
            "containerStatuses": list(containers),
            "conditions": conditions,
        }
    }


def waiting(reason: str, message: str = "") -> Body:
    return {"waiting": {"reason": reason, "message": message}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (pod(entry("a", waiting("ContainerCreating"))), ""),
        (pod(entry("a", {"running": {}})), ""),
        (pod(entry("a", waiting("ErrImageNeverPull", "no program ..."))), 'no program is registered for image "a:1"'),
        (
            pod(entry("a", waiting("CreateContainerConfigError", "Secret keys not found"))),
            "container a: CreateContainerConfigError: Secret keys not found",
        ),
        (
            pod(entry("a", waiting("CrashLoopBackOff", "back-off 1s; its last lines:\nstart\nboom\nhint: use $HOST"))),
            "container a: CrashLoopBackOff: back-off 1s; its last lines: boom (use $HOST)",
        ),
        # The main container waits for the init container, which is the cause.
        (
            pod(
                entry("a", waiting("PodInitializing")),
                init=(entry("i", {"terminated": {"exitCode": 2, "reason": "Error"}}),),
            ),
            "container i: Error: ended with exit code 2",
        ),
        (
            pod(entry("a", {"running": {}}), unready=f"{PROBE_SEPARATOR}a: Readiness probe failed: connection refused"),
            "container a: Unhealthy: Readiness probe failed: connection refused",
        ),
    ],
)
def test_the_first_cause_is_told_in_one_line(body: Body, expected: str) -> None:
    assert summary(body) == expected


def test_every_container_is_named() -> None:
    body = pod(entry("a", waiting("ErrImageNeverPull")), entry("b", waiting("CrashLoopBackOff")))
    assert [cause.container for cause in causes(body)] == ["a", "b"]
