"""What branches change, where their requests go, and the rows that they take."""

from typing import Any

import msgspec

from mesh.resources.meshmall.branch import Branch
from mesh.routing.branches.changes import effective
from mesh.routing.branches.overrides import overridden
from mesh.routing.model.match import Match
from mesh.routing.model.route import Fault, Forward, Respond, Route, WeightedCluster
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import BranchOverride, VirtualHost
from tests.support.objects import Body, body, branch, pod, service
from tests.support.worlds import snapshot

HOST = "products.mesh.svc.cluster.local"
BASELINE = f"outbound|7000||{HOST}"


def made(name: str, **spec: Any) -> Branch:
    return msgspec.convert(branch(name, **spec), Branch)


def pods_of(name: str) -> Body:
    raw = pod(f"products-{name}", "127.9.0.2", app="products")
    raw["metadata"]["labels"] |= {"meshmall.dev/branch": name, "meshmall.dev/service": "products"}
    return raw


def compiled(*branches: Body) -> Snapshot:
    return snapshot(service("products"), pod("products-1", "127.9.0.1", app="products"), pods_of("fox"), *branches)


def products(snap: Snapshot) -> VirtualHost:
    return next(host for host in snap.tables["outbound|mesh"].hosts if host.name == f"{HOST}:7000")


def test_own_changes_win_over_includes_and_later_includes_over_earlier_ones() -> None:
    by_name = {
        ("mesh", item.metadata.name): item
        for item in (
            made("a", services={"products": {"version": "a"}, "stock": {"version": "a"}, "cart": {"version": "a"}}),
            made("b", services={"products": {"version": "b"}, "stock": {"version": "b"}}, includes=["c"]),
            made("c", services={"products": {"version": "c"}}, includes=["a", "b", "missing"]),
        )
    }
    owners = {service: owner.metadata.name for service, (owner, _) in effective(by_name["mesh", "c"], by_name).items()}
    assert owners == {"products": "c", "stock": "b", "cart": "a"}


def test_a_branch_s_pods_answer_its_requests_and_nobody_else_s() -> None:
    snap = compiled(branch("fox", services={"products": {"fork": {}}}))
    own = f"branch|fox|7000|{HOST}"
    assert products(snap).overrides == (BranchOverride("fox", ((BASELINE, own),)),)
    assert [end.pod for end in snap.endpoints[own]] == ["mesh/products-fox"]
    assert [end.pod for end in snap.endpoints[BASELINE]] == ["mesh/products-1"]


def test_a_change_that_is_not_ready_is_refused_or_left_to_the_baseline() -> None:
    fails = compiled(branch("ann", services={"products": {"fork": {}}}))
    (override,) = products(fails).overrides
    assert (override.swap, "fork of service products is not ready" in override.refusal) == (((BASELINE, ""),), True)
    falls_back = compiled(branch("ann", services={"products": {"fork": {}}}, fallback="baseline"))
    assert products(falls_back).overrides == ()


def test_a_service_that_only_a_branch_has_is_unknown_to_everybody_else() -> None:
    container = {"name": "new", "image": "new:1", "ports": [{"containerPort": 7000}]}
    snap = compiled(branch("fox", services={"new": {"template": {"spec": {"containers": [container]}}}}))
    host = next(host for host in snap.tables["outbound|mesh"].hosts if host.name.startswith("new."))
    assert (host.routes[0].name, [override.branch for override in host.overrides]) == ("unknown host", ["fox"])


def test_the_weights_of_destinations_that_become_one_add_up() -> None:
    to = (WeightedCluster("v1", 30), WeightedCluster("v2", 20), WeightedCluster("other", 50))
    row = Route("r", Match(), Forward(to, timeout=3.0))
    (taken,) = overridden([row], BranchOverride("fox", (("v1", "fork"), ("v2", "fork"))))
    assert taken.name == "r@fox"
    assert taken.action == Forward((WeightedCluster("fork", 50), WeightedCluster("other", 50)), timeout=3.0)


def test_one_destination_that_is_not_ready_refuses_the_row() -> None:
    row = Route("r", Match(), Forward((WeightedCluster("v1", 50), WeightedCluster("other", 50))))
    untouched = Route("s", Match(), Respond(404))
    taken = overridden([row, untouched], BranchOverride("fox", (("v1", ""),), "not ready"))
    assert [item.action for item in taken] == [Respond(503, "not ready"), Respond(404)]


def test_what_a_branch_puts_in_place_has_the_baseline_s_policies() -> None:
    limits = {"connectionPool": {"http": {"http1MaxPendingRequests": 7}}}
    policy = body("DestinationRule", "products", host="products", trafficPolicy=limits)
    snap = compiled(policy, branch("fox", services={"products": {"fork": {}}}))
    assert snap.clusters[f"branch|fox|7000|{HOST}"].pool.max_pending == 7


SLOW: Body = {"delay": {"fixedDelay": "2s", "percentage": {"value": 100}}}
FAILS: Body = {"abort": {"httpStatus": 503, "percentage": {"value": 50}}}


def test_a_fault_of_a_branch_is_in_the_branch_s_rows_alone() -> None:
    snap = compiled(branch("fox", services={}, faults={"products": SLOW}), branch("ann", includes=["fox"], services={}))
    host = products(snap)
    delay = Fault(delay=2.0, delay_percent=100.0)
    assert {override.branch: override.faults for override in host.overrides} == {
        "ann": ((BASELINE, delay),),
        "fox": ((BASELINE, delay),),
    }
    (row,) = overridden(host.routes, host.overrides[0])
    assert (row.fault, row.action, row.name.endswith("@ann")) == (delay, host.routes[0].action, True)
    assert [route.fault for route in host.routes] == [None]


def test_a_fault_goes_with_a_change_of_the_same_service_and_with_the_team_s_fault() -> None:
    snap = compiled(branch("fox", services={"products": {"fork": {}}}, faults={"products": FAILS}))
    (override,) = products(snap).overrides
    team = Fault(delay=1.0, delay_percent=10.0, abort_status=418, abort_percent=1.0)
    row = Route("r", Match(), Forward((WeightedCluster(BASELINE),)), fault=team)
    (taken,) = overridden([row], override)
    assert taken.action == Forward((WeightedCluster(f"branch|fox|7000|{HOST}"),))
    assert taken.fault == Fault(delay=1.0, delay_percent=10.0, abort_status=503, abort_percent=50.0)


def test_a_fault_of_a_service_that_only_the_branch_has() -> None:
    container = {"name": "new", "image": "new:1", "ports": [{"containerPort": 7000}]}
    services: Body = {"products": {"fork": {}}}
    swap = (("", "own"),)
    (taken,) = overridden([], BranchOverride("fox", swap, faults=(("", Fault(abort_status=503, abort_percent=100.0)),)))
    assert taken.fault is not None
    template = {"new": {"template": {"spec": {"containers": [container]}}}}
    snap = compiled(
        branch("fox", services={**services, **template}, faults={"new": FAILS}), branch("ann", services=services)
    )
    host = next(host for host in snap.tables["outbound|mesh"].hosts if host.name.startswith("new."))
    assert [(override.branch, len(override.faults)) for override in host.overrides] == [("fox", 1)]
