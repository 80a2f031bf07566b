"""The rules of rendered branches beside the team's."""

import msgspec

from mesh.branches.render.around import Around
from mesh.branches.render.changes import Changes
from mesh.branches.render.virtual_services import virtual_services
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import Branch
from tests.support.branches import PRODUCTS, baseline, stored_branch
from tests.support.objects import Body, cookie, rule, to

FORK: Body = {"products": {"fork": {}}}


def rendered(rules: list[Body], *branches: Branch, preview_domain: str = "localhost") -> dict[str, Body]:
    """The specs of the VirtualServices, by name."""
    there = {("mesh", branch.metadata.name): branch for branch in branches}
    services, deployments = [msgspec.convert(PRODUCTS, Service)], [baseline("products")]
    surroundings = Around(there, services, deployments, rules, callers=("mesh", "web"), preview_domain=preview_domain)
    objects = virtual_services(Changes(branches, surroundings), surroundings)
    return {item["metadata"]["name"]: item["spec"] for item in objects}


def destinations(rows: list[Body]) -> list[list[str]]:
    return [[target["destination"]["host"] for target in row.get("route", [])] for row in rows]


def test_the_calls_to_a_service_are_routed_beside_the_teams_rule() -> None:
    """Istio tries what is exported by name before what is public, so that the team's rule needs no change."""
    team = rule("shop", "products", to("products", timeout="3s", match=[cookie("admin")]), to("products", timeout="5s"))
    spec = rendered([team], stored_branch("fox", services=FORK))["products-branches"]
    assert (spec["hosts"], spec["exportTo"], spec.get("gateways")) == (["products"], ["mesh", "web"], None)
    rows = spec["http"]
    # For each of the team's rows: by header, by baggage, by the caller with and without baggage, and the row itself.
    assert [row["timeout"] for row in rows] == ["3s"] * 5 + ["5s"] * 5
    assert destinations(rows) == [["products-fox"]] * 4 + [["products"]] + [["products-fox"]] * 4 + [["products"]]
    assert all("cookie" in block["headers"] for row in rows[:5] for block in row["match"])
    assert (rows[4], rows[9]) == tuple(team["spec"]["http"])


def test_no_block_names_gateways_since_such_a_block_would_let_every_caller_in() -> None:
    """Istio does not ask for `sourceLabels` in a block that names `gateways`."""
    spec = rendered([], stored_branch("fox", services=FORK))["products-branches"]
    blocks = [block for row in spec["http"] for block in row.get("match", [])]
    assert blocks
    assert not any("gateways" in block for block in blocks)
    assert [block["sourceLabels"] for block in blocks if "sourceLabels" in block] == [{"branch": "fox"}] * 2


def test_a_block_of_the_team_that_names_gateways_keeps_its_meaning() -> None:
    block: Body = {"gateways": ["mesh"], "sourceLabels": {"app": "mall"}, "uri": {"prefix": "/a"}}
    at_door: Body = {"gateways": ["door"], "uri": {"prefix": "/b"}}
    team = rule("shop", "products", to("products", match=[block, at_door]), to("products"), gateways=["mesh", "door"])
    specs = rendered([team], stored_branch("fox", services=FORK))
    inside = specs["products-branches"]["http"]
    assert inside[4]["match"] == [{"uri": {"prefix": "/a"}}]
    at_gateway = specs["shop-branches-gateway"]["http"]
    assert {block["uri"]["prefix"] for row in at_gateway[:-1] for block in row["match"] if "uri" in block} == {"/b"}


def test_a_hop_that_knows_the_branch_from_baggage_or_from_its_caller_passes_on_the_header() -> None:
    rows = rendered([], stored_branch("fox", services=FORK))["products-branches"]["http"]
    sets = [row.get("headers", {}).get("request", {}).get("set") for row in rows]
    by_caller = {"x-branch": "fox", "baggage": "branch=fox"}
    with_baggage = {"x-branch": "fox", "baggage": "branch=fox,%REQ(baggage)%"}
    assert sets == [None, {"x-branch": "fox"}, with_baggage, by_caller, None]


def test_another_branchs_header_comes_before_baggage_and_caller() -> None:
    branches = [stored_branch("ann", services=FORK), stored_branch("bob", services={"other": FORK["products"]})]
    rows = rendered([], *branches)["products-branches"]["http"]
    unmarked = [block["withoutHeaders"] for row in rows for block in row.get("match", []) if "withoutHeaders" in block]
    assert all(condition["x-branch"] == {} for condition in unmarked)
    assert ["baggage" in condition for condition in unmarked] == [False, True, True]


def test_entries_are_tried_in_the_order_of_the_mesh() -> None:
    """A request that fits two branches enters the same one on a cluster: by the kind of the entry, not the name."""
    ann = stored_branch("ann", enter=[{"cookie": {"name": "user", "value": "x"}}], services=FORK)
    bob = stored_branch("bob", enter=[{"query": {"name": "view", "value": "x"}}], services=FORK)
    spec = rendered([rule("mall", "*", to("mall"), gateways=["door"])], ann, bob)["mall-branches-gateway"]
    order = []
    for row in spec["http"][:-1]:
        kinds = {key for block in row["match"] for key in block if key != "headers"} or {
            name for block in row["match"] for name in block["headers"]
        }
        if (row["name"], kinds) not in order:
            order.append((row["name"], kinds))
    assert order == [
        ("ann", {"authority"}),
        ("bob", {"authority", "queryParams"}),
        ("ann", {"baggage"}),
        ("bob", {"baggage"}),
        ("ann", {"baggage", "cookie"}),
        ("ann", {"cookie"}),
    ]


def test_what_a_client_sends_as_x_branch_is_removed_for_everybody() -> None:
    team = rule("mall", "*", to("mall", match=[{"uri": {"prefix": "/a"}}]), to("mall"), gateways=["door"])
    spec = rendered([team], stored_branch("fox", services=FORK))["mall-branches-gateway"]
    assert (spec["exportTo"], spec["gateways"]) == (["istio-system"], ["door"])
    for row in spec["http"]:
        request = row["headers"]["request"]
        assert request.get("set", {}).get("x-branch") == "fox" or request["remove"] == ["x-branch"]
    assert [row["headers"]["request"].get("remove") for row in spec["http"]].count(["x-branch"]) == 2


def test_the_other_members_of_baggage_survive() -> None:
    enter = [{"cookie": {"name": "user", "value": "fox"}}, {"baggage": {"name": "tenant", "value": "7"}}]
    fox = stored_branch("fox", enter=enter, services=FORK)
    spec = rendered([rule("mall", "*", to("mall"), gateways=["door"])], fox)["mall-branches-gateway"]
    for row in spec["http"][:-1]:
        written = row["headers"]["request"]["set"].get("baggage")
        asked = [block.get("headers", {}).get("baggage") for block in row["match"]]
        if written is None:
            assert all("branch" in condition["regex"] for condition in asked)
        elif all(asked):
            assert written == "branch=fox,%REQ(baggage)%"
        else:
            assert written == "branch=fox"


def test_a_gateway_without_preview_hosts_gets_them() -> None:
    team = rule("mall", "shop.example.com", to("mall"), gateways=["door"])
    fox = stored_branch("fox", services=FORK)
    spec = rendered([team], fox, preview_domain="preview.example.com")["mall-branches-gateway"]
    assert spec["hosts"] == ["shop.example.com", "fox.preview.example.com"]
    everywhere = rule("mall", "*", to("mall"), gateways=["door"])
    assert rendered([everywhere], fox)["mall-branches-gateway"]["hosts"] == ["*"]


def test_a_delegates_rows_take_the_place_of_the_row_that_names_it() -> None:
    root = rule("mall", "*", {"delegate": {"name": "canary"}}, to("mall"), gateways=["door"])
    canary = rule("canary", [], to("products", match=[{"uri": {"prefix": "/p"}}]))
    spec = rendered([root, canary], stored_branch("fox", services=FORK))["mall-branches-gateway"]
    assert not any("delegate" in row for row in spec["http"])
    assert ["products-fox"] in destinations(spec["http"])
    everybody = [row for row in spec["http"] if "remove" in row["headers"]["request"]]
    assert destinations(everybody) == [["products"], ["mall"]]
    missing = rendered([root], stored_branch("fox", services=FORK))["mall-branches-gateway"]
    assert destinations(missing["http"])[-1] == ["mall"]


def test_redirects_stay_in_their_place() -> None:
    moved: Body = {"match": [{"uri": {"exact": "/old"}}], "redirect": {"uri": "/new"}}
    team = rule("mall", "*", moved, to("mall"), gateways=["door"])
    spec = rendered([team], stored_branch("fox", services=FORK))["mall-branches-gateway"]
    assert spec["http"][0] == moved


def test_weights_of_destinations_that_become_one_add_up() -> None:
    team = rule("mall", "*", to("products:v1", "products:v2", "mall"), gateways=["door"])
    spec = rendered([team], stored_branch("fox", services=FORK))["mall-branches-gateway"]
    assert [(t["destination"]["host"], t["weight"]) for t in spec["http"][0]["route"]] == [
        ("products-fox", 2),
        ("mall", 1),
    ]


def test_rules_for_other_hosts_that_lead_to_a_changed_service_are_routed_too() -> None:
    api = rule("api", "api.internal", to("products"))
    other = rule("other", "other.internal", to("stock"))
    specs = rendered([api, other], stored_branch("fox", services=FORK))
    assert destinations(specs["api-branches-mesh"]["http"]) == [["products-fox"]] * 4 + [["products"]]
    assert "other-branches-mesh" not in specs


def test_of_several_rules_for_a_service_the_one_that_acts_is_copied() -> None:
    young = rule("a", "products", to("products", timeout="1s"))
    young["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
    old = rule("b", "products", to("products", timeout="2s"))
    old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    pattern = rule("c", "*.mesh.svc.cluster.local", to("products", timeout="3s"))
    branch = stored_branch("fox", services=FORK)
    assert rendered([young, old, pattern], branch)["products-branches"]["http"][0]["timeout"] == "2s"
    assert rendered([pattern], branch)["products-branches"]["http"][0]["timeout"] == "3s"


def test_rules_of_another_namespace_name_services_in_full() -> None:
    team = rule("shop", "products.mesh.svc.cluster.local", to("products.mesh.svc.cluster.local"), namespace="web")
    spec = rendered([team], stored_branch("fox", services=FORK))["products-branches"]
    assert spec["hosts"] == ["products.mesh.svc.cluster.local"]
    assert destinations(spec["http"])[0] == ["products-fox.mesh.svc.cluster.local"]


def test_a_fault_is_in_the_rows_of_its_branch_alone() -> None:
    fault = {"abort": {"httpStatus": 503, "percentage": {"value": 100.0}}}
    team = rule("mall", "*", to("products"), gateways=["door"])
    specs = rendered([team], stored_branch("fox", services={}, faults={"products": fault}))
    for name in ("products-branches", "mall-branches-gateway"):
        rows = specs[name]["http"]
        assert [row.get("fault") for row in rows[:-1]] == [fault] * (len(rows) - 1)
        assert rows[-1].get("fault") is None
        assert destinations(rows) == [["products"]] * len(rows)
