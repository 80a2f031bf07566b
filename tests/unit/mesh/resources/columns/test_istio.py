"""The columns of Istio's kinds: what Istio's definitions print, and whether Envoy has the rule."""

from mesh.resources.columns import istio
from mesh.resources.kind_definition import Conditions
from mesh.resources.kinds import REGISTRY


def test_every_rule_shows_whether_envoy_has_it() -> None:
    rules = [definition for definition in REGISTRY.all() if definition.conditions is Conditions.RULE]
    assert rules
    for definition in rules:
        assert "Programmed" in [column.name for column in definition.columns], definition.kind


def test_a_rule_that_nobody_has_looked_at_is_unknown() -> None:
    assert istio.PROGRAMMED.cell({}) == "Unknown"
    assert istio.PROGRAMMED.cell({"status": {"conditions": [{"type": "Programmed", "status": "False"}]}}) == "False"


def test_lists_are_shown_as_kubectl_shows_them() -> None:
    cells = {column.name: column.cell for column in istio.VIRTUAL_SERVICE}
    assert cells["Hosts"]({"spec": {"hosts": ["a", "b"]}}) == '["a","b"]'
    assert cells["Gateways"]({"spec": {}}) == ""
