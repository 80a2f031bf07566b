"""What label selectors select."""

from typing import Any

import msgspec
import pytest

from mesh.resources.values.meta import LabelSelector
from mesh.resources.values.selectors import selects

LABELS = {"app": "shop", "tier": "web"}


def needs(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"app": "shop"}}, True),
        ({"matchLabels": {"app": "shop", "tier": "data"}}, False),
        (needs("tier", "In", "web", "data"), True),
        (needs("tier", "NotIn", "web"), False),
        (needs("zone", "NotIn", "a"), True),
        (needs("zone", "Exists"), False),
        (needs("zone", "DoesNotExist"), True),
        ({"matchLabels": {"app": "shop"}, **needs("tier", "Exists")}, True),
    ],
)
def test_a_selector_selects_what_all_of_it_holds_for(selector: dict[str, Any], expected: bool) -> None:
    assert selects(msgspec.convert(selector, LabelSelector), LABELS) is expected
