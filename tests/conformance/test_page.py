"""docs/conformance.md says what the code does, and the tests that it names are there."""

import ast

import pytest
from msgspec import structs

from tests.conformance.page import KINDS, PROOF, PROVED, REFUSED, page, reachable, state
from tests.conformance.page_gateway_api import PASSED
from tests.support.places import ROOT


def test_the_page_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "conformance.md").read_text()
    assert written.strip() == page().strip(), "python -m tests.conformance.page > docs/conformance.md"


@pytest.mark.parametrize("name", sorted({*PROOF.values(), *PROVED.values(), *PASSED.values()}))
def test_each_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    functions = {item.name for item in tree.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not function or function in functions


def test_the_tables_speak_of_fields_that_are_there() -> None:
    parts = {part for _, root in KINDS for part in reachable(root)}
    assert PROOF.keys() <= parts
    for part, name in (*PROVED, *REFUSED):
        assert part in parts
        assert name in {field.encode_name for field in structs.fields(part)}


def test_a_field_is_never_both_refused_and_effective() -> None:
    for part, name in REFUSED:
        assert state(part, name)[0] == "refused"
