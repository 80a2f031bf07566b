"""Jobs that have a command of their own, on one mesh: faults of a branch."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.support.mesh import Mesh, meshes


@pytest.fixture(scope="module")
def mesh() -> Iterator[Mesh]:
    with meshes() as make:
        running = make()
        running.up()
        running.ok("branch", "create", "fox", "--cookie", "user=fox", "--fork", "products")
        yield running


def errors(mesh: Mesh, cookie: str) -> list[str]:
    return [error["area"] for error in mesh.mall(cookie).get("errors", [])]


def test_a_fault_concerns_one_branch_and_is_part_of_it(mesh: Mesh) -> None:
    assert "Branch fox: recommend answers 503" in mesh.ok("branch", "fault", "fox", "recommend", "--abort", "503")
    assert (errors(mesh, "user=fox"), errors(mesh, "user=xx")) == (["recommend"], [])
    assert "fault     recommend answers 503" in mesh.ok("branch", "show", "fox")
    assert "httpStatus: 503" in mesh.ok("branch", "render", "fox")
    differences = mesh.run("branch", "diff", "fox", "/api/mall", "-o", "json")
    assert (differences.code, "body .recommend" in differences.out) == (1, True)
    # Another fault of the same service takes the place of the first.
    mesh.ok("branch", "fault", "fox", "recommend", "--delay", "300ms")
    begun = time.monotonic()
    assert errors(mesh, "user=fox") == []
    assert time.monotonic() - begun >= 0.3
    mesh.ok("branch", "fault", "fox", "recommend", "--clear")
    assert not json.loads(mesh.ok("branch", "show", "fox", "-o", "json"))["spec"].get("faults")


def test_a_fault_of_nothing_changes_nothing(mesh: Mesh) -> None:
    before = mesh.ok("branch", "show", "fox", "-o", "json")
    unknown = mesh.run("branch", "fault", "fox", "recomend", "--abort", "503")
    assert unknown.code == 1
    assert 'spec.faults[recomend]: there is no Service "recomend" in namespace mesh; did you mean "recommend"?' in (
        unknown.err
    )
    none = mesh.run("branch", "fault", "fox", "stock", "--clear")
    assert (none.code, none.err.strip()) == (
        1,
        "error: Branch fox: spec.faults: stock has no fault (services with a fault: none)",
    )
    assert json.loads(mesh.ok("branch", "show", "fox", "-o", "json"))["spec"] == json.loads(before)["spec"]
