"""A status is held to its kind, on every kind that the mesh itself decodes."""

import pytest

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.manifest import UnknownFields
from mesh.resources.validation.status import with_status
from mesh.resources.values.body import Body
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import Ref

TYPED = [kind for kind in REGISTRY.all() if "status" in kind.subresources and kind.type is not Untyped]


def _body(kind: KindDefinition) -> tuple[Ref, Body]:
    ref = Ref(kind.group, kind.kind, "mesh" if kind.namespaced else "", "fox")
    return ref, {"apiVersion": kind.api_versions[0], "kind": kind.kind, "metadata": {"name": "fox"}}


@pytest.mark.parametrize("kind", TYPED, ids=lambda kind: str(kind.group_kind))
@pytest.mark.parametrize("status", [{"note": "x"}, {"conditions": [{"type": 7}]}, [], "ready", 7, {"conditions": "x"}])
def test_what_a_kind_does_not_have_in_its_status_is_rejected(kind: KindDefinition, status: object) -> None:
    ref, body = _body(kind)
    with pytest.raises(Invalid) as caught:
        with_status(ref, kind, body, status)
    assert all(error.path.startswith("status") and error.ref == ref for error in caught.value.errors)


@pytest.mark.parametrize("kind", TYPED, ids=lambda kind: str(kind.group_kind))
def test_no_status_is_one_too_and_null_fields_are_none(kind: KindDefinition) -> None:
    ref, body = _body(kind)
    assert with_status(ref, kind, body, None)[0]["status"] == {}
    assert with_status(ref, kind, body, {"note": None})[0]["status"] == {}


def test_what_is_wrong_elsewhere_does_not_keep_a_status_from_being_written() -> None:
    kind = next(kind for kind in TYPED if kind.kind == "Branch")
    ref, body = _body(kind)
    written, _ = with_status(ref, kind, {**body, "spec": 7}, {"phase": "Ready"})
    assert (written["status"], written["spec"]) == ({"phase": "Ready"}, 7)


@pytest.mark.parametrize("kind", TYPED, ids=lambda kind: str(kind.group_kind))
def test_unknown_fields_are_dropped_with_a_warning_or_without_one(kind: KindDefinition) -> None:
    ref, body = _body(kind)
    warned, warnings = with_status(ref, kind, body, {"note": "x"}, UnknownFields.WARNED)
    assert (warned["status"], warnings) == ({}, ['unknown field "status.note"'])
    ignored, none = with_status(ref, kind, body, {"note": "x"}, UnknownFields.IGNORED)
    assert (ignored["status"], none) == ({}, [])


@pytest.mark.parametrize(
    ("status", "paths"),
    [
        ({"replicas": -1}, {"replicas", "readyReplicas", "availableReplicas", "updatedReplicas"}),
        ({"replicas": 2, "readyReplicas": 3}, {"readyReplicas"}),
        ({"replicas": 2, "readyReplicas": 1, "availableReplicas": 2}, {"availableReplicas"}),
        ({"replicas": 2, "updatedReplicas": 3}, {"updatedReplicas"}),
        ({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}, set()),
    ],
)
def test_the_numbers_of_a_deployment_agree_with_each_other(status: Body, paths: set[str]) -> None:
    kind = next(kind for kind in TYPED if kind.kind == "Deployment")
    ref, body = _body(kind)
    if not paths:
        assert with_status(ref, kind, body, status)[0]["status"] == status
        return
    with pytest.raises(Invalid) as caught:
        with_status(ref, kind, body, status)
    assert {error.path.removeprefix("status.") for error in caught.value.errors} == paths
