"""What a branch runs, what its status says, and what it is on a cluster."""

from typing import Any

import kubernetes_validate
import msgspec
import pytest
from cloudcoil.models.istio.networking import v1 as istio

from mesh.branches.forks import fork
from mesh.branches.render import Around, render, typed_pairs
from mesh.branches.status import Observed, overlaps_of, services_of
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import Branch, deployment_name
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.support.objects import Body, body, branch, cookie, rule, service, to


def made(name: str, **spec: Any) -> Branch:
    raw = branch(name, **spec)
    raw["metadata"]["uid"] = f"uid-{name}"
    return msgspec.convert(raw, Branch)


def baseline(name: str, available: int = 1) -> Deployment:
    labels = {"app": name, "version": "v1", "branch": "baseline"}
    env = [{"name": "BANNER", "value": "false"}, {"name": "KEPT", "value": "1"}]
    main = {"name": "main", "image": "mall:1", "command": ["run"], "args": ["--old"], "env": env}
    main["ports"] = [{"containerPort": 7000, "name": "http"}]
    containers = [main, {"name": "side", "image": "side:1"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    raw = body("Deployment", f"{name}-v1", group="apps", selector={"matchLabels": labels}, template=template)
    raw["status"] = {"availableReplicas": available, "updatedReplicas": available}
    return msgspec.convert(raw, Deployment)


def test_a_fork_is_the_baseline_with_its_differences() -> None:
    fox = made("fox", services={"products": {"fork": {}}})
    changes = {"env": [{"name": "BANNER", "value": "true"}], "command": ["mine"], "image": "mall:2", "replicas": 2}
    change = made("fox", services={"products": {"fork": changes}}).spec.services["products"].fork
    assert change is not None
    found = fork(fox, "products", change, baseline("products"))
    main, side = found["spec"]["template"]["spec"]["containers"]
    assert main["env"] == [{"name": "KEPT", "value": "1"}, {"name": "BANNER", "value": "true"}]
    assert (main["command"], main["image"], main.get("args")) == (["mine"], "mall:2", None)
    assert side["image"] == "side:1"
    assert found["spec"]["replicas"] == 2
    assert found["metadata"]["name"] == "products-fox"
    assert found["metadata"]["ownerReferences"][0]["uid"] == "uid-fox"
    labels = found["spec"]["template"]["metadata"]["labels"]
    own = {"meshmall.dev/branch": "fox", "meshmall.dev/service": "products"}
    assert labels == {"app": "products", "version": "fox", "branch": "fox", **own}
    assert found["spec"]["selector"]["matchLabels"] == own


def test_a_name_never_gets_longer_than_a_label() -> None:
    assert deployment_name("s" * 60, "branch") == "s" * 60 + "-br"


def observed(*branches: Branch, **more: Any) -> Observed:
    services = {("mesh", "products"): msgspec.convert(SERVICE, Service)}
    deployments = {("mesh", "products-v1"): baseline("products")}
    named = {("mesh", each.metadata.name): each for each in branches}
    return Observed(named, services, deployments, (), **{"up": lambda _: False, **more})


SERVICE = service("products", app="products", branch="baseline")


def test_the_status_says_what_answers_and_what_is_wrong() -> None:
    fox = made("fox", services={"products": {"url": "http://127.0.0.1:9"}})
    both = made("both", includes=["fox"])
    line = services_of(both, observed(fox, both))[0]
    assert line == {
        "name": "products",
        "kind": "url",
        "answers": "http://127.0.0.1:9",
        "ready": False,
        "message": "nothing answers at http://127.0.0.1:9",
        "fromBranch": "fox",
    }
    version = made("v", services={"products": {"version": "v1"}})
    assert services_of(version, observed(version))[0]["answers"] == "deployment/products-v1, version v1"
    assert services_of(version, observed(version))[0]["ready"]


def test_where_branches_overlap_the_last_one_wins_and_the_status_says_so() -> None:
    first = made("first", services={"products": {"fork": {}}, "stock": {"fork": {}}})
    second = made("second", services={"products": {"fork": {}}})
    both = made("both", includes=["first", "second"], services={"stock": {"fork": {}}})
    named = {("mesh", each.metadata.name): each for each in (first, second, both)}
    assert overlaps_of(both, named) == [
        "products: second's is seen, not first's",
        "stock: both's is seen, not first's",
    ]
    assert services_of(both, observed(first, second, both))[0]["fromBranch"] == "second"


def rendered(*wanted: Branch) -> list[Body]:
    team = rule(
        "products", "products", to("products", timeout="3s", match=[cookie("admin")]), to("products", timeout="5s")
    )
    gateway = rule("mall", "*", to("mall"), gateways=["door"])
    named = {("mesh", each.metadata.name): each for each in wanted}
    around = Around(named, [msgspec.convert(SERVICE, Service)], [baseline("products")], typed_pairs([team, gateway]))
    return render(wanted, around)


def test_a_rendered_branch_is_what_a_cluster_takes() -> None:
    container = {"name": "new", "image": "new:1", "ports": [{"containerPort": 7000}]}
    services = {"products": {"fork": {}}, "favorites": {"template": {"spec": {"containers": [container]}}}}
    pair = {"name": "user", "value": "fox"}
    enter = [{"cookie": pair}, {"query": pair}, {"host": "fox.example.com"}]
    found = rendered(made("fox", enter=enter, services=services))
    for each in found:
        validate(each)
        if each["kind"] == "VirtualService":
            istio.VirtualService.model_validate(each)
        else:
            kubernetes_validate.validate(each, "1.32", strict=True)
    names = [f"{each['kind']}/{each['metadata']['name']}" for each in found]
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
    fork_, own = rendered(made("fox", services={"products": {"fork": {}}}))[:2]
    labels = fork_["spec"]["template"]["metadata"]["labels"]
    assert not SERVICE["spec"]["selector"].items() <= labels.items()
    assert own["spec"]["selector"].items() <= labels.items()
    assert not any(key.startswith("meshmall.dev") for key in labels)


def test_the_teams_rows_stay_behind_and_with_those_of_the_branch() -> None:
    found = rendered(made("fox", services={"products": {"fork": {}}}))
    rows = next(each for each in found if each["metadata"]["name"] == "products" and "http" in each["spec"])["spec"][
        "http"
    ]
    assert [row["timeout"] for row in rows] == ["3s", "5s", "3s", "5s"]
    hosts = [row["route"][0]["destination"]["host"] for row in rows]
    assert hosts == ["products-fox", "products-fox", "products", "products"]
    assert all("cookie" in block["headers"] for block in rows[0]["match"][:2])


def test_a_process_of_this_machine_cannot_be_rendered() -> None:
    with pytest.raises(Invalid, match="which a cluster cannot reach"):
        rendered(made("fox", services={"products": {"url": "http://127.0.0.1:9"}}))
