"""What a branch's status says."""

from typing import Any

import msgspec

from mesh.branches.status import Observed, next_color, overlaps_of, services_of
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import Branch, BranchStatus
from tests.support.branches import PRODUCTS, baseline, stored_branch


def observed(*branches: Branch, **more: Any) -> Observed:
    services = {("mesh", "products"): msgspec.convert(PRODUCTS, Service)}
    deployments = {("mesh", "products-v1"): baseline("products")}
    named = {("mesh", branch.metadata.name): branch for branch in branches}
    return Observed(named, services, deployments, (), **{"up": lambda _: False, **more})


def test_the_status_says_what_answers_and_what_is_wrong() -> None:
    fox = stored_branch("fox", services={"products": {"url": "http://127.0.0.1:9"}})
    both = stored_branch("both", includes=["fox"])
    line = services_of(both, observed(fox, both))[0]
    assert line == {
        "name": "products",
        "kind": "url",
        "answers": "http://127.0.0.1:9",
        "ready": False,
        "message": "nothing answers at http://127.0.0.1:9",
        "fromBranch": "fox",
    }
    version = stored_branch("v", services={"products": {"version": "v1"}})
    assert services_of(version, observed(version))[0]["answers"] == "deployment/products-v1, version v1"
    assert services_of(version, observed(version))[0]["ready"]


def test_where_branches_overlap_the_last_one_wins_and_the_status_says_so() -> None:
    first = stored_branch("first", services={"products": {"fork": {}}, "stock": {"fork": {}}})
    second = stored_branch("second", services={"products": {"fork": {}}})
    both = stored_branch("both", includes=["first", "second"], services={"stock": {"fork": {}}})
    named = {("mesh", item.metadata.name): item for item in (first, second, both)}
    assert overlaps_of(both, named) == [
        "products: second's is seen, not first's",
        "stock: both's is seen, not first's",
    ]
    assert services_of(both, observed(first, second, both))[0]["fromBranch"] == "second"


def test_a_dozen_branches_have_a_colour_each_and_further_ones_that_which_fewest_have() -> None:
    branches: list[Branch] = []
    colors = []
    for number in range(14):
        colors.append(next_color(branches))
        branch = stored_branch(f"b{number}", services={"products": {"fork": {}}})
        branches.append(msgspec.structs.replace(branch, status=BranchStatus(color=colors[-1])))
    assert colors == [*range(12), 0, 1]
    del branches[5]
    assert next_color(branches) == 5
