"""`meshmall describe`: what explains an object, on one page."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.describe import describe
from tests.support.commands import FakeClient, context_with

WAITING = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
POD: Body = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "mesh", "labels": {"app": "a"}},
    "spec": {"containers": [{"name": "main", "image": "a:1"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
        "containerStatuses": [
            {
                "name": "main",
                "restartCount": 3,
                "state": WAITING,
                "lastState": {"terminated": {"reason": "Error", "exitCode": 7}},
            }
        ],
    },
}


def event(number: int, name: str = "a") -> tuple[Ref, Body]:
    about = {"kind": "Pod", "name": name}
    moment = f"2026-01-01T00:00:{number:02}Z"
    body = {"metadata": {}, "involvedObject": about, "reason": f"R{number}", "message": "m", "lastTimestamp": moment}
    return Ref("", "Event", "mesh", f"{name}-{number}"), body


def test_state_conditions_and_events_are_on_one_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    objects = {Ref("", "Pod", "mesh", "a"): POD, **dict([event(2), event(1), event(3, "b")])}
    describe(context_with(FakeClient(objects), tmp_path), ["pod", "a"])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == ["name a", "kind Pod (v1)", "namespace mesh"]
    assert "main waiting 3 CrashLoopBackOff; back-off 10s; before: Error with exit code 7" in lines
    assert "Ready False ContainersNotReady" in lines
    assert [line.split()[1] for line in lines[-2:]] == ["R1", "R2"]


def test_what_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="not found"):
        describe(context_with(FakeClient(), tmp_path), ["pod/a"])
