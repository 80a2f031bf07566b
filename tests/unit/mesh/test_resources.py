"""Manifests as people write them are taken whole."""

from pathlib import Path

import pytest

from mesh.resources.analysis.references import check_references
from mesh.resources.validation.manifest import Validated, parse, validate
from tests.support.places import EXAMPLE_FOLDER

EXAMPLES = sorted(EXAMPLE_FOLDER.iterdir())


def read(path: Path) -> list[Validated]:
    return [validate(manifest.body, "books") for manifest in parse(path.read_text(), path.name)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_taken_and_stays_as_it_is(path: Path) -> None:
    found = read(path)
    assert found
    for item in found:
        assert validate(item.body, "books").body == item.body
        assert item.ref.namespace == ("" if item.ref.kind == "Namespace" else "books")


def test_the_examples_rules_fit_its_services() -> None:
    typed = [item.typed for path in EXAMPLES if path.suffix == ".yaml" for item in read(path)]
    assert check_references(typed) == []


def test_only_what_has_no_effect_is_told() -> None:
    [bookinfo] = [path for path in EXAMPLES if path.name == "bookinfo.yaml"]
    assert [warning for item in read(bookinfo) for warning in item.warnings] == [
        "Deployment books/productpage-v1: no effect on one machine: spec.template.spec.containers[0].resources",
    ]
