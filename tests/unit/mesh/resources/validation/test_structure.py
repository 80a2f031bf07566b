"""What is no object at all, and what of its structure is refused before its fields are looked at."""

from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.support.objects import with_fields
from tests.support.smallest import DEPLOYMENT


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "Service"}, "apiVersion: is missing; use v1"),
        ({"apiVersion": "v1", "kind": "Servce"}, 'did you mean "Service"?'),
        ({"apiVersion": "extensions/v1beta1", "kind": "Deployment"}, "use apps/v1"),
        ({"apiVersion": "v1", "kind": "Service"}, "metadata: is missing"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {}}, "metadata.name: is missing"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "A"}}, "metadata.namespace"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "lables": {}}}, 'mean "labels"?'),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", 1: 2}}, "put it in quotes"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "\ud800"}}, "metadata.name: is not Unicode"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": float("nan")}, "metadata: nan is not a number"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"annotations": {"a b": ""}, "name": "a"}}, "annotation"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"annotations": {"a": "x" * 300_000}, "name": "a"}},
         "metadata.annotations: 300001 characters"),
        ({"apiVersion": 1, "kind": [], "metadata": None}, "kind: is missing"),
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused(body: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(body, "mesh")
    assert says in str(caught.value)


def test_deep_nesting_is_refused() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(Invalid, match="nested deeper than 64 levels"):
        validate(with_fields(DEPLOYMENT, {"spec.template.spec.affinity": deep}), "mesh")


def test_a_null_is_no_field() -> None:
    body = with_fields(
        DEPLOYMENT,
        {"metadata.creationTimestamp": None, "spec.template.spec.containers[0].resources": None, "status": None},
    )
    assert validate(body, "mesh").body == validate(DEPLOYMENT, "mesh").body
