"""What is wrong with an object, in words."""

import pytest

from mesh.resources.values.problems import FieldError, Invalid, meant
from mesh.resources.values.ref import Ref

REF = Ref("", "Service", "mesh", "a")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FieldError("spec.a", "is wrong"), "spec.a: is wrong"),
        (FieldError("", "is wrong"), "is wrong"),
        (FieldError("spec.a", "is wrong", REF), "Service mesh/a: spec.a: is wrong"),
        (FieldError("", "is wrong", Ref("", "Node", "", "n")), "Node n: is wrong"),
    ],
)
def test_an_error_names_object_field_and_reason_as_far_as_they_are_known(error: FieldError, text: str) -> None:
    assert str(error) == text


def test_a_refusal_has_a_line_for_each_error() -> None:
    invalid = Invalid([FieldError("a", "x"), FieldError("b", "y")], "file.yaml, line 3")
    assert str(invalid) == "file.yaml, line 3: a: x\nfile.yaml, line 3: b: y"


def test_a_misspelt_word_is_answered_with_the_nearest_or_the_valid_ones() -> None:
    assert meant("ALOW", ("ALLOW", "DENY")) == '; did you mean "ALLOW"?'
    assert meant("x", ("b", "a")) == " (valid: a, b)"
    assert meant("x", map(str, range(9))) == ""
    assert meant("x", ()) == ""
