"""Every field that has an effect is described, and nothing is described that does not exist."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

import mesh.resources.descriptions as descriptions
from mesh.resources.custom.untyped import Untyped
from mesh.resources.descriptions import EVERY_STRUCT, description, parse, read_package
from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.inert import inert_fields

# Fields without a sentence. May only shrink.
UNDESCRIBED = 0
PACKAGES = sorted(path.stem for path in Path(descriptions.__file__).parent.glob("*.txt"))


def structs_in(type_: inspect.Type) -> Iterator[type[Any]]:
    match type_:
        case inspect.StructType():
            yield type_.cls
        case inspect.UnionType():
            for member in type_.types:
                yield from structs_in(member)
        case inspect.ListType():
            yield from structs_in(type_.item_type)
        case inspect.DictType():
            yield from structs_in(type_.value_type)
        case inspect.Metadata():
            yield from structs_in(type_.type)
        case _:
            return


@cache
def structs() -> dict[type[Any], tuple[str, ...]]:
    """The structs of all kinds with an effect, and the JSON names of their fields."""
    fields: dict[type[Any], tuple[str, ...]] = {}
    rest: list[type[Any]] = [
        definition.type for definition in REGISTRY.all() if definition.type is not Untyped and not definition.no_effect
    ]
    while rest:
        struct = rest.pop()
        if struct in fields:
            continue
        described = inspect.type_info(struct)
        assert isinstance(described, inspect.StructType)
        fields[struct] = tuple(field.encode_name for field in described.fields)
        for field in described.fields:
            rest.extend(structs_in(field.type))
    return fields


def test_every_field_with_an_effect_is_described() -> None:
    missing = [
        f"{struct.__module__}.{struct.__name__}.{field}"
        for struct, fields in structs().items()
        for field in fields
        if not description(struct, field)
    ]
    assert len(missing) == UNDESCRIBED, "\n".join(sorted(missing))


@pytest.mark.parametrize("package", PACKAGES)
def test_only_fields_that_exist_are_described(package: str) -> None:
    prefix = f"mesh.resources.{package}."
    fields: dict[str, set[str]] = {}
    for struct, names in structs().items():
        if struct.__module__.startswith(prefix):
            fields.setdefault(struct.__name__, set()).update(names)
    sections = {name: section for name, section in read_package(package).items() if name != EVERY_STRUCT}
    strangers = [
        f"{name}.{field}"
        for name, section in sections.items()
        for field in section
        if field not in fields.get(name, ())
    ]
    assert strangers == []


def test_structs_of_a_package_have_different_names() -> None:
    names = [(struct.__module__.split(".")[2], struct.__name__) for struct in structs()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_description_is_one_short_line_that_ends_with_a_full_stop(package: str) -> None:
    for name, section in read_package(package).items():
        for field, sentence in section.items():
            assert sentence.endswith("."), (name, field)
            assert len(sentence) <= 140, (name, field)


def test_a_field_without_effect_says_so() -> None:
    struct = next(struct for struct in structs() if inert_fields(struct))
    assert description(struct, min(inert_fields(struct))) == descriptions.NO_EFFECT


def test_a_struct_of_nobody_has_no_description() -> None:
    class Strange(msgspec.Struct):
        colour: str = ""

    assert description(Strange, "colour") == ""


def test_a_line_that_is_no_description_is_refused() -> None:
    assert parse("[A]\nx, y: Both.\n") == {"A": {"x": "Both.", "y": "Both."}}
    with pytest.raises(ValueError, match="line 2"):
        parse("[A]\nnot a description\n")
    with pytest.raises(ValueError, match="line 1"):
        parse("x: Without a section.\n")
