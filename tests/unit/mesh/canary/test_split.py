"""Rules with a share for a new version."""

from typing import Any

import pytest

from mesh.canary.split import CannotSplit, Plan, Service, creation, plan
from tests.support.objects import Body, body, rule, to

SUBSETS = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]


def service(*rules: Body, versions: tuple[str, ...] = ("v1", "v2"), **more: Any) -> Service:
    destination_rules = [item for item in rules if item["kind"] == "DestinationRule"]
    virtual_services = [item for item in rules if item["kind"] == "VirtualService"]
    return Service("mesh", "mall", frozenset(versions), virtual_services, destination_rules, **more)


def subsets() -> Body:
    return body("DestinationRule", "mall", host="mall", subsets=SUBSETS)


def weights(plan: Plan, weight: int, number: int = -1) -> list[tuple[str, int]]:
    rows = plan.at(weight)[number].written
    return [(part["destination"].get("subset", ""), part["weight"]) for part in rows[0]["route"]]


def test_the_version_gets_its_share_and_at_last_everything() -> None:
    made = plan(service(rule("mall", "mall", to("mall:v1", timeout="3s")), subsets()), "v2")
    assert (weights(made, 0), weights(made, 10), weights(made, 100)) == (
        [("v1", 100)],
        [("v1", 90), ("v2", 10)],
        [("v2", 100)],
    )
    (touched,) = made.at(10)
    assert (touched.written[0]["timeout"], touched.original) == ("3s", [to("mall:v1", timeout="3s")])


def test_a_route_to_several_keeps_what_goes_elsewhere() -> None:
    row = {
        "route": [
            {
                "destination": {"host": "mall", "subset": "v1"},
                "weight": 60,
                "headers": {"request": {"set": {"a": "b"}}},
            },
            {"destination": {"host": "other"}, "weight": 40},
        ]
    }
    made = plan(service(rule("mall", "mall", row), subsets()), "v2")
    (touched,) = made.at(50)
    parts = touched.written[0]["route"]
    assert [(part["destination"]["host"], part["weight"]) for part in parts] == [
        ("mall", 30),
        ("other", 40),
        ("mall", 30),
    ]
    assert parts[2]["headers"] == parts[0]["headers"]


def test_a_share_that_the_version_has_already_is_kept() -> None:
    made = plan(service(rule("mall", "mall", to("mall:v1", "mall:v2")), subsets()), "v2")
    assert weights(made, 10) == [("v1", 45), ("v2", 55)]


def test_a_service_without_rules_gets_them_for_as_long_as_it_needs_them() -> None:
    made = plan(service(), "v2")
    destination, virtual = made.at(20)
    assert (destination.kind, destination.created, destination.written) == ("DestinationRule", True, SUBSETS[::-1])
    assert weights(made, 20) == [("v1", 80), ("v2", 20)]
    assert creation(virtual, made.service)["spec"]["hosts"] == ["mall"]
    assert creation(destination, made.service)["metadata"]["name"] == "canary-mall"


def test_rules_of_a_gateway_and_of_other_namespaces_count_too() -> None:
    gateway = rule("door", "*", to("mall.mesh.svc.cluster.local"), gateways=["door"], namespace="edge")
    made = plan(service(gateway, subsets()), "v2")
    assert [(item.namespace, item.name, item.created) for item in made.at(10)] == [
        ("edge", "door", False),
        ("mesh", "canary-mall", True),
    ]


def test_a_subset_is_added_to_the_team_s_own() -> None:
    own = body("DestinationRule", "mall", host="mall", subsets=SUBSETS[:1])
    first, _ = plan(service(rule("mall", "mall", to("mall:v1")), own), "v2").at(10)
    assert (first.created, first.original, first.written) == (False, SUBSETS[:1], SUBSETS)


@pytest.mark.parametrize(
    ("version", "versions", "message"),
    [
        ("v9", ("v1", "v2"), 'Service mesh/mall: "v9" is not a version that runs (it has v1, v2)'),
        ("v2", ("v1", "v2", "v3"), "Service mesh/mall: several versions answer now (v1, v3)"),
        ("v2", ("v2",), "Service mesh/mall: no other version answers now (none)"),
    ],
)
def test_what_cannot_be_split_says_what_there_is(version: str, versions: tuple[str, ...], message: str) -> None:
    with pytest.raises(CannotSplit) as error:
        plan(service(versions=versions), version)
    assert error.value.message == message


def test_the_routes_of_the_gateway_api_go_past_weights_of_virtual_services() -> None:
    route = {
        "kind": "HTTPRoute",
        "metadata": {"namespace": "mesh", "name": "shop"},
        "spec": {"rules": [{"backendRefs": [{"name": "mall", "port": 80}]}]},
    }
    with pytest.raises(CannotSplit, match=r"HTTPRoute mesh/shop: spec\.rules: sends requests to Service mesh/mall"):
        plan(service(routes=[route]), "v2")


def test_the_replaced_version_must_be_another_one() -> None:
    with pytest.raises(CannotSplit, match='--from "v2" is not another version of it'):
        plan(service(), "v2", "v2")
