"""Waiting for a branch: until Envoy has it, or until it is known that it will not."""

from pathlib import Path
from typing import Any

import pytest

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.branch.wait import Steps, condition, fetch, until_ready
from tests.support.commands import FakeClient, context_with

FOX = Ref("meshmall.dev", "Branch", "mesh", "fox")


def branch(*conditions: tuple[str, str, str], observed: int = 1) -> Body:
    listed = [{"type": kind, "status": status, "message": message} for kind, status, message in conditions]
    return {
        "metadata": {"name": "fox", "generation": 1},
        "spec": {},
        "status": {"observedGeneration": observed, "conditions": listed},
    }


class Changing(FakeClient):
    """Shows one state of the branch after another."""

    def __init__(self, *states: Body) -> None:
        super().__init__()
        self.states = list(states)

    def get(self, ref: Ref) -> Body:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def test_it_is_ready_when_the_status_of_this_generation_says_so(tmp_path: Path) -> None:
    stale = branch(("Ready", "True", ""), observed=0)
    client = Changing(stale, branch(("ServicesReady", "True", "")), branch(("Ready", "True", "done")))
    steps = Steps()
    ready = until_ready(context_with(client, tmp_path), "fox", steps, 10)
    assert condition(ready, "Ready")["message"] == "done"
    assert [name for name, _ in steps.taken] == ["services ready", "Envoy acknowledged"]
    assert steps.total == pytest.approx(sum(took for _, took in steps.taken), abs=5)
    assert "services ready" in str(steps)


def test_after_its_time_it_says_what_is_missing(tmp_path: Path) -> None:
    client = Changing(branch(("Ready", "False", "products: 0 of 1 pods are ready")))
    with pytest.raises(Failure, match="branch fox is not ready: products: 0 of 1 pods are ready"):
        until_ready(context_with(client, tmp_path), "fox", Steps(), 0)
    with pytest.raises(Failure, match="it has no status yet"):
        until_ready(context_with(Changing(branch(observed=0)), tmp_path), "fox", Steps(), 0)


@pytest.mark.parametrize(
    ("others", "remedy"),
    [((), "create one with: meshmall branch create"), (("ann", "bob"), "existing branches: ann, bob")],
)
def test_an_unknown_branch_is_told_with_those_that_exist(tmp_path: Path, others: tuple[str, ...], remedy: str) -> None:
    objects: dict[Ref, Any] = {FOX._replace(name=name): {"metadata": {"name": name}} for name in others}
    with pytest.raises(Failure) as caught:
        fetch(context_with(FakeClient(objects), tmp_path), "fox")
    assert caught.value.message == "there is no branch 'fox' in namespace mesh"
    assert caught.value.remedy == remedy


def test_another_error_of_the_api_is_passed_on(tmp_path: Path) -> None:
    class Broken(FakeClient):
        def get(self, ref: Ref) -> Body:
            raise ApiError(0, "the mesh does not answer")

    with pytest.raises(Failure, match="the mesh does not answer"):
        fetch(context_with(Broken(), tmp_path), "fox")
