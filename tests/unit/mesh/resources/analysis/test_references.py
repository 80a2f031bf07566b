"""Rules that name what is not there."""

from typing import Any

from mesh.resources.analysis.references import check_references
from mesh.resources.validation.manifest import parse, validate
from mesh.resources.values.meta import Resource
from tests.support.places import DEPLOY


def objects(*names: str) -> list[Resource]:
    return [validate(manifest.body).typed for name in names for manifest in parse((DEPLOY / name).read_text(), name)]


def rule(**spec: Any) -> Resource:
    body = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "r"}}
    return validate({**body, "spec": spec}, "mesh").typed


def findings(*more: Resource) -> list[tuple[str, str]]:
    found = check_references([*objects("mesh-mall-v1.yaml", "mesh-routing.yaml"), *more])
    return [(item.severity, str(item.error)) for item in found]


def to(host: str, **more: Any) -> list[dict[str, Any]]:
    return [{"route": [{"destination": {"host": host, **more}}]}]


def test_an_unknown_subset_is_an_error_that_says_which_there_are() -> None:
    assert findings(rule(hosts=["x.example.com"], gateways=["mall"], http=to("mall", subset="v3"))) == [
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
    found = findings(service, rule(hosts=["x.example.com"], gateways=["mall"], http=to("lonely", subset="v1")))
    assert [severity for severity, _ in found] == ["error"]
    assert 'no DestinationRule defines the subsets of "lonely"' in found[0][1]


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
    assert findings(rule(hosts=["x.example.com"], gateways=["mall"], http=to("users.mesh.svc.cluster.local"))) == []


def test_a_half_qualified_host_has_the_subsets_of_its_service() -> None:
    [(severity, said)] = findings(rule(hosts=["x.example.com"], gateways=["mall"], http=to("mall.mesh", subset="v2")))
    assert severity == "warning"
    assert "write mall.mesh.svc.cluster.local" in said
    said_of = dict(findings(rule(hosts=["x.example.com"], gateways=["mall"], http=to("mall.mesh.svc", subset="v3"))))
    assert "(it has v1, v2)" in said_of["error"]


def test_mirrors_and_the_gateways_of_a_match_are_looked_for_too() -> None:
    route = to("users")[0]
    route["mirrors"] = [{"destination": {"host": "mall", "subset": "v3"}}]
    route["match"] = [{"gateways": ["nix"]}]
    found = dict(findings(rule(hosts=["x.example.com"], http=[route])))
    assert 'spec.http[0].mirrors[0].destination.subset: "v3" is not a subset' in found["error"]
    assert 'spec.http[0].match[0].gateways[0]: there is no Gateway "mesh/nix"' in found["warning"]


def test_one_host_by_two_names_is_one_host() -> None:
    found = findings(rule(hosts=["users.mesh"], http=to("users")))
    assert [severity for severity, _ in found] == ["warning"]


def test_a_rule_for_an_unknown_host_is_a_warning() -> None:
    body = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": "r"}}
    found = findings(validate({**body, "spec": {"host": "nobody"}}, "mesh").typed)
    assert found == [("warning", 'DestinationRule mesh/r: spec.host: no Service is named "nobody"')]
    assert findings(validate({**body, "spec": {"host": "*.mesh.svc.cluster.local"}}, "mesh").typed) == []


def test_a_delegate_with_hosts_is_none_and_neither_is_the_rule_itself() -> None:
    itself = rule(hosts=["users"], http=[{"delegate": {"name": "r"}}])
    told = 'spec.http[0].delegate: VirtualService "mesh/r" has hosts'
    assert [severity for severity, said in findings(itself) if told in said] == ["warning"]
    # A place that is kept for a delegate to come is no mistake.
    kept = rule(hosts=["users"], http=[{"delegate": {"name": "other"}}])
    assert not any("delegate" in said for _, said in findings(kept))


def test_a_destination_without_port_must_have_the_port_that_is_called_in_the_mesh() -> None:
    found = findings(rule(hosts=["x.example.com"], http=to("stock")))
    assert [severity for severity, _ in found] == ["warning"]
    assert "x.example.com is called at port 80, which Service stock does not have" in found[0][1]
    assert findings(rule(hosts=["x.example.com"], http=to("stock", port={"number": 7000}))) == []
    assert findings(rule(hosts=["x.example.com"], gateways=["mall"], http=to("stock"))) == []
