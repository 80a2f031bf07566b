"""JSON that shapes describe: types, unknown fields, and what is stored in place of a value."""

from typing import Any

import pytest

from mesh.resources.shapes.grammar import fields, read
from mesh.resources.validation.findings import Findings
from mesh.resources.validation.shaped import walk_fields, walk_shape
from mesh.resources.values.problems import Reason

SHAPE = "name str!, count int32, size quantity, items [str], more {int}, at microtime, data bytes, free any, on bool?"


def walked(body: dict[str, Any]) -> tuple[dict[str, Any], Findings]:
    findings = Findings()
    return walk_fields(body, fields(SHAPE), "spec", findings), findings


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": 1}, "spec.name"),
        ({"count": "1"}, "spec.count"),
        ({"count": True}, "spec.count"),
        ({"count": 2**31}, "spec.count"),
        ({"size": "big"}, "spec.size"),
        ({"items": {"a": 1}}, "spec.items"),
        ({"items": ["a", 1]}, "spec.items[1]"),
        ({"more": []}, "spec.more"),
        ({"more": {"a": 1.5}}, "spec.more[a]"),
        ({"at": "2026-01-01T00:00:00Z"}, "spec.at"),
        ({"data": "not base64"}, "spec.data"),
        ({"on": "yes"}, "spec.on"),
    ],
)
def test_a_value_of_the_wrong_type_is_malformed(body: dict[str, Any], path: str) -> None:
    _, findings = walked(body)
    assert [(error.path, error.reason) for error in findings.errors] == [(path, Reason.MALFORMED)]


def test_unknown_fields_are_taken_out_and_named() -> None:
    body, findings = walked({"name": "a", "nme": 1})
    assert body == {"name": "a"}
    assert [(error.path, error.reason) for error in findings.unknown] == [("spec.nme", Reason.UNKNOWN)]
    assert 'did you mean "name"?' in findings.unknown[0].message


def test_empty_and_zero_values_are_left_out_unless_they_mean_something() -> None:
    empty = {"name": "", "count": 0, "items": [], "more": {}, "on": False}
    body, findings = walked(empty)
    assert (body, findings.errors) == ({"name": "", "on": False}, [])


def test_quantities_are_stored_in_their_canonical_form() -> None:
    assert walked({"size": "1024Mi"})[0] == {"size": "1Gi"}
    assert walked({"size": 0.5})[0] == {"size": "500m"}


def test_structs_are_walked_within_shapes() -> None:
    findings = Findings()
    selector = {"matchLabels": {"a": 1}, "matchLabel": {}}
    walk_shape([selector], "[LabelSelector]", "spec.selectors", findings)
    assert [error.path for error in findings.errors] == ["spec.selectors[0].matchLabels[a]"]
    assert [error.path for error in findings.unknown] == ["spec.selectors[0].matchLabel"]


def test_lines_of_a_catalogue_continue_with_a_space() -> None:
    assert read("\nA: b str,\n c int\nD: e [A]\n") == {"A": "b str, c int", "D": "e [A]"}
