"""Metadata: Kubernetes' rules, which hold for every kind, and the fields that errors name."""

from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid, Reason

OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": True}


def config(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", **metadata}}


@pytest.mark.parametrize(
    ("metadata", "path", "reason"),
    [
        ({"name": ""}, "metadata.name", Reason.REQUIRED),
        ({"name": "A"}, "metadata.name", Reason.INVALID),
        ({"labels": {"a b": ""}}, "metadata.labels", Reason.INVALID),
        ({"labels": {"a": "b c"}}, "metadata.labels", Reason.INVALID),
        ({"labels": {"a": 1}}, "metadata.labels[a]", Reason.MALFORMED),
        ({"annotations": {"a b": ""}}, "metadata.annotations", Reason.INVALID),
        ({"annotations": {"a": "x" * (256 << 10)}}, "metadata.annotations", Reason.TOO_LONG),
        ({"finalizers": ["cleanup"]}, "metadata.finalizers[0]", Reason.INVALID),
        ({"finalizers": ["example.com/a", "a b/c"]}, "metadata.finalizers[1]", Reason.INVALID),
        ({"ownerReferences": [OWNER, {**OWNER, "uid": "2"}]}, "metadata.ownerReferences", Reason.INVALID),
    ],
)
def test_metadata_is_rejected_by_its_field(metadata: dict[str, Any], path: str, reason: Reason) -> None:
    with pytest.raises(Invalid) as caught:
        validate(config(**metadata), "mesh")
    assert [(error.path, error.reason) for error in caught.value.errors] == [(path, reason)]


def test_what_is_empty_is_left_out() -> None:
    stored = validate(config(labels={}, annotations={}, finalizers=[]), "mesh").body["metadata"]
    assert stored == {"name": "c", "namespace": "mesh"}


def test_kubernetes_own_finalizers_need_no_domain() -> None:
    assert validate(config(finalizers=["orphan", "example.com/cleanup"]), "mesh")
