"""Which DestinationRules count for callers of a namespace; a real istiod says the same (conformance/istiod)."""

from typing import Any

import msgspec
import pytest

from mesh.resources.istio.destination_rule import DestinationRule
from mesh.routing.destinations.precedence import Precedence

HOST = "shop.mesh.svc.cluster.local"
Rule = tuple[str, DestinationRule]


def rule(name: str, namespace: str = "mesh", host: str = HOST, **spec: Any) -> Rule:
    body = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"host": host, **spec},
    }
    return host, msgspec.convert(body, DestinationRule)


def names(namespace: str, *rules: Rule) -> list[str]:
    return [each.metadata.name for each in Precedence(rules, "mesh").for_all_pods(namespace)]


@pytest.mark.parametrize(
    ("caller", "expected"), [("mesh", ["service"]), ("other", ["caller"]), ("third", ["service"]), ("", ["service"])]
)
def test_the_caller_s_namespace_comes_first_then_the_service_s(caller: str, expected: list[str]) -> None:
    rules = [rule("service"), rule("caller", "other"), rule("root", "istio-system")]
    assert names(caller, *rules) == expected


def test_the_root_namespace_is_the_last_and_no_other_has_a_say() -> None:
    assert names("other", rule("root", "istio-system"), rule("stranger", "third")) == ["root"]
    assert names("mesh", rule("stranger", "third")) == []


def test_a_wildcard_of_the_caller_s_namespace_hides_the_service_s_own_rule() -> None:
    assert names("other", rule("service"), rule("wild", "other", "*.local")) == ["wild"]


def test_of_one_namespace_the_narrowest_host_counts_and_rules_exported_alike_are_put_together() -> None:
    assert names("mesh", rule("a"), rule("wild", host="*.local"), rule("b")) == ["a", "b"]
    assert names("mesh", rule("a", exportTo=["."]), rule("b")) == ["b"]


def test_rules_are_seen_where_they_are_exported_to() -> None:
    assert names("other", rule("a", exportTo=["."])) == []
    assert names("other", rule("a", exportTo=["other"])) == ["a"]
    assert names("istio-system", rule("a", "istio-system", exportTo=["."])) == ["a"]


def test_a_rule_for_some_pods_is_its_namespace_s_alone() -> None:
    selected = rule("a", workloadSelector={"matchLabels": {"app": "cart"}})
    groups = Precedence([rule("b"), selected], "mesh").of("mesh")
    assert [group.selector for group in groups] == [{"app": "cart"}, None]
    assert names("mesh", rule("b"), selected) == ["b"]
    assert names("other", selected) == []
