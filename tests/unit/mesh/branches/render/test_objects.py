"""A branch as manifests for a cluster."""

import kubernetes_validate
import msgspec
import pytest
from cloudcoil.models.istio.networking import v1 as istio

from mesh.branches.render import Around, render
from mesh.resources.core.service import Service
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import Branch
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.support.branches import PRODUCTS, baseline, stored_branch
from tests.support.objects import Body, body, rule, service, to

CONTAINER = {"name": "new", "image": "new:1", "ports": [{"containerPort": 7000}]}
FAVORITES = {"template": {"spec": {"containers": [CONTAINER]}}}


def rendered(*branches: Branch, services: tuple[Body, ...] = (), rules: tuple[Body, ...] = ()) -> list[Body]:
    team = rule("products", "products", to("products", timeout="5s"))
    gateway = rule("mall", "*", to("mall"), gateways=["door"])
    around = Around(
        {("mesh", branch.metadata.name): branch for branch in branches},
        [msgspec.convert(item, Service) for item in (PRODUCTS, *services)],
        [baseline("products")],
        [team, gateway],
        [msgspec.convert(item, DestinationRule) for item in rules],
    )
    return render(branches, around)


def titles(objects: list[Body]) -> list[str]:
    return [f"{item['kind']}/{item['metadata']['name']}" for item in objects]


def named(objects: list[Body], title: str) -> Body:
    return next(item for item in objects if f"{item['kind']}/{item['metadata']['name']}" == title)


def test_a_rendered_branch_is_what_a_cluster_takes() -> None:
    pair = {"name": "user", "value": "fox"}
    enter = [{"cookie": pair}, {"query": pair}, {"host": "fox.example.com"}]
    policy = body("DestinationRule", "products", host="products", trafficPolicy={"loadBalancer": {"simple": "RANDOM"}})
    fox = stored_branch("fox", enter=enter, services={"products": {"fork": {}}, "favorites": FAVORITES})
    objects = rendered(fox, rules=(policy,))
    for item in objects:
        validate(item)
        if item["kind"] == "VirtualService":
            istio.VirtualService.model_validate(item)
        elif item["kind"] == "DestinationRule":
            istio.DestinationRule.model_validate(item)
        else:
            kubernetes_validate.validate(item, "1.32", strict=True)
    assert titles(objects) == [
        "Deployment/products-fox",
        "Service/products-fox",
        "Deployment/favorites-fox",
        "Service/favorites-fox",
        "Service/favorites",
        "DestinationRule/products-fox",
        "VirtualService/mall-branches-gateway",
        "VirtualService/favorites-branches",
        "VirtualService/products-branches",
    ]


def test_no_object_of_the_team_is_rendered_again() -> None:
    """Deleting what was rendered restores what there was."""
    objects = rendered(stored_branch("fox", services={"products": {"fork": {}}}))
    assert not {"VirtualService/products", "VirtualService/mall", "Service/products"} & set(titles(objects))


@pytest.mark.parametrize("selector", [{"app": "products"}, {"branch": "baseline"}, {"version": "v1"}, {"tier": "web"}])
def test_a_rendered_fork_is_none_that_the_baseline_selects(selector: dict[str, str]) -> None:
    other = service("other", "mesh", 7000, "http", **selector)
    objects = rendered(stored_branch("fox", services={"products": {"fork": {}}}), services=(other,))
    labels = objects[0]["spec"]["template"]["metadata"]["labels"]
    assert not PRODUCTS["spec"]["selector"].items() <= labels.items()
    assert not selector.items() <= labels.items()
    assert objects[1]["spec"]["selector"].items() <= labels.items()
    assert not any(key.startswith("meshmall.dev") for key in labels)


def test_two_branches_share_the_name_of_a_service_that_only_they_have() -> None:
    """The name selects no pods: each branch's requests are led to its own."""
    branches = [stored_branch(name, services={"favorites": FAVORITES}) for name in ("ann", "bob")]
    objects = rendered(*branches)
    assert titles(objects).count("Service/favorites") == 1
    assert "selector" not in named(objects, "Service/favorites")["spec"]
    rows = named(objects, "VirtualService/favorites-branches")["spec"]["http"]
    assert {row["route"][0]["destination"]["host"] for row in rows} == {"favorites-ann", "favorites-bob"}
    assert all(row["match"] for row in rows)


def test_a_version_that_no_destination_rule_declares_becomes_a_subset() -> None:
    versions = stored_branch("fox", services={"products": {"version": "v1"}})
    subset = named(rendered(versions), "DestinationRule/products-branches")["spec"]["subsets"]
    assert subset == [{"name": "v1", "labels": {"version": "v1"}}]
    declared = body("DestinationRule", "products", host="products", subsets=[{"name": "v1", "labels": {"a": "b"}}])
    assert "DestinationRule/products-branches" not in titles(rendered(versions, rules=(declared,)))


def test_a_process_of_this_machine_cannot_be_rendered() -> None:
    with pytest.raises(Invalid, match="which a cluster cannot reach"):
        rendered(stored_branch("fox", services={"products": {"url": "http://127.0.0.1:9"}}))
