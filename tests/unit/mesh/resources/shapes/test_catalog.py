"""The catalogues of shapes are complete: every name in them means something."""

import re

from mesh.resources.kinds import REGISTRY
from mesh.resources.shapes.catalog import fields_of, has_shape, names, struct
from mesh.resources.validation.shaped import SCALARS


def test_every_type_that_a_shape_names_exists() -> None:
    for name in names():
        for field, (type_, _) in fields_of(name).items():
            for word in re.findall(r"\w+", type_):
                assert word in SCALARS or has_shape(word) or struct(word), f"{name}.{field}: {word}"


def test_every_kind_with_a_shape_has_one() -> None:
    shaped = [kind.shape for kind in REGISTRY.all() if kind.shape]
    assert "Role" in shaped
    assert [name for name in shaped if not has_shape(name)] == []
