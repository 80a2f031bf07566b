"""Rules that name what is not there."""

from pathlib import Path
from typing import Any

from mesh.resources.manifest import parse, validate
from mesh.resources.meta import Resource
from mesh.resources.references import check

DEPLOY = Path(__file__).parents[3] / "deploy"


def objects(*names: str) -> list[Resource]:
    return [validate(manifest.body).typed for name in names for manifest in parse((DEPLOY / name).read_text(), name)]


def rule(**spec: Any) -> Resource:
    body = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "r"}}
    return validate({**body, "spec": spec}, "mesh").typed


def findings(*more: Resource) -> list[tuple[str, str]]:
    found = check([*objects("mesh-mall-v1.yaml", "mesh-routing.yaml"), *more])
    return [(each.severity, str(each.error)) for each in found]


def to(host: str, **more: Any) -> list[dict[str, Any]]:
    return [{"route": [{"destination": {"host": host, **more}}]}]


def test_an_unknown_subset_is_an_error_that_says_which_there_are() -> None:
    assert findings(rule(hosts=["x.example.com"], http=to("mall", subset="v3"))) == [
        (
            "error",
            "VirtualService mesh/r: spec.http[0].route[0].destination.subset: "
            '"v3" is not a subset of DestinationRule mesh/mall (it has v1, v2)',
        )
    ]


def test_a_subset_without_any_rule_is_an_error() -> None:
    service = validate(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "lonely"},
            "spec": {"ports": [{"port": 1}], "selector": {"a": "b"}},
        },
        "mesh",
    ).typed
    found = findings(service, rule(hosts=["x.example.com"], http=to("lonely", subset="v1")))
    assert [severity for severity, _ in found] == ["error"]
    assert 'no DestinationRule says what the subsets of "lonely" are' in found[0][1]


def test_an_unknown_host_or_gateway_is_a_warning() -> None:
    found = findings(rule(hosts=["x.example.com"], gateways=["nix"], http=to("nobody")))
    assert [severity for severity, _ in found] == ["warning", "warning"]
    assert 'there is no Gateway "mesh/nix"' in found[0][1]
    assert 'no Service is named "nobody"' in found[1][1]


def test_two_rules_for_one_host_are_told() -> None:
    found = findings(rule(hosts=["users"], http=to("users")))
    assert [severity for severity, _ in found] == ["warning"]
    assert "VirtualService mesh/users" in found[0][1]


def test_a_host_in_full_is_the_same_host() -> None:
    assert findings(rule(hosts=["x.example.com"], http=to("users.mesh.svc.cluster.local"))) == []
