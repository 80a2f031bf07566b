"""A branch as manifests for a cluster."""

import kubernetes_validate
import msgspec
import pytest
from cloudcoil.models.istio.networking import v1 as istio

from mesh.branches.render import Around, render, typed_pairs
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import Branch
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.support.branches import PRODUCTS, baseline, stored_branch
from tests.support.objects import Body, cookie, rule, to


def rendered(*wanted: Branch) -> list[Body]:
    team = rule(
        "products", "products", to("products", timeout="3s", match=[cookie("admin")]), to("products", timeout="5s")
    )
    gateway = rule("mall", "*", to("mall"), gateways=["door"])
    named = {("mesh", item.metadata.name): item for item in wanted}
    around = Around(named, [msgspec.convert(PRODUCTS, Service)], [baseline("products")], typed_pairs([team, gateway]))
    return render(wanted, around)


def test_a_rendered_branch_is_what_a_cluster_takes() -> None:
    container = {"name": "new", "image": "new:1", "ports": [{"containerPort": 7000}]}
    services = {"products": {"fork": {}}, "favorites": {"template": {"spec": {"containers": [container]}}}}
    pair = {"name": "user", "value": "fox"}
    enter = [{"cookie": pair}, {"query": pair}, {"host": "fox.example.com"}]
    found = rendered(stored_branch("fox", enter=enter, services=services))
    for each in found:
        validate(each)
        if each["kind"] == "VirtualService":
            istio.VirtualService.model_validate(each)
        else:
            kubernetes_validate.validate(each, "1.32", strict=True)
    names = [f"{item['kind']}/{item['metadata']['name']}" for item in found]
    assert names == [
        "Deployment/products-fox",
        "Service/products-fox",
        "Deployment/favorites-fox",
        "Service/favorites-fox",
        "Service/favorites",
        "VirtualService/products",
        "VirtualService/mall",
        "VirtualService/favorites",
    ]


def test_a_rendered_fork_is_none_that_the_baseline_selects() -> None:
    fork_, own = rendered(stored_branch("fox", services={"products": {"fork": {}}}))[:2]
    labels = fork_["spec"]["template"]["metadata"]["labels"]
    assert not PRODUCTS["spec"]["selector"].items() <= labels.items()
    assert own["spec"]["selector"].items() <= labels.items()
    assert not any(key.startswith("meshmall.dev") for key in labels)


def test_the_teams_rows_stay_behind_and_with_those_of_the_branch() -> None:
    found = rendered(stored_branch("fox", services={"products": {"fork": {}}}))
    rows = next(item for item in found if item["metadata"]["name"] == "products" and "http" in item["spec"])["spec"][
        "http"
    ]
    assert [row["timeout"] for row in rows] == ["3s", "5s", "3s", "5s"]
    hosts = [row["route"][0]["destination"]["host"] for row in rows]
    assert hosts == ["products-fox", "products-fox", "products", "products"]
    assert all("cookie" in block["headers"] for block in rows[0]["match"][:2])


def test_a_process_of_this_machine_cannot_be_rendered() -> None:
    with pytest.raises(Invalid, match="which a cluster cannot reach"):
        rendered(stored_branch("fox", services={"products": {"url": "http://127.0.0.1:9"}}))


def test_rendered_entries_are_tried_in_the_order_of_the_mesh() -> None:
    """A request that fits two branches enters the same one on a cluster: by the kind of the entry, not the name."""
    services: Body = {"products": {"fork": {}}}
    ann = stored_branch("ann", enter=[{"cookie": {"name": "user", "value": "x"}}], services=services)
    bob = stored_branch("bob", enter=[{"query": {"name": "view", "value": "x"}}], services=services)
    found = rendered(ann, bob)
    mall = next(item for item in found if item["metadata"]["name"] == "mall")
    asked = [
        (row["name"], sorted(block.keys() - {"gateways"}))
        for row in mall["spec"]["http"]
        for block in row.get("match", [])
    ]
    assert asked == [
        ("ann-enters", ["authority"]),
        ("bob-enters", ["authority"]),
        ("bob-enters", ["queryParams"]),
        ("ann-enters", ["headers"]),
        ("bob-enters", ["headers"]),
        ("ann-enters", ["headers"]),
    ]


def test_a_rendered_fault_is_in_the_rows_of_the_branch() -> None:
    fault = {"abort": {"httpStatus": 503, "percentage": {"value": 100.0}}}
    objects = rendered(stored_branch("fox", services={}, faults={"products": fault}))
    assert [item["kind"] for item in objects] == ["VirtualService", "VirtualService"]
    rows = objects[0]["spec"]["http"]
    assert [row.get("fault") for row in rows] == [fault, fault, None, None]
    assert {row["route"][0]["destination"]["host"] for row in rows} == {"products"}
