"""Checks JSON against the typed structs and reports every mismatch, not only the first as msgspec does.

Also collects the fields that are accepted and have no effect here, and takes out those that the kind does not have:
what becomes of them (an error, a warning, or nothing) is the writer's choice.
"""

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from mesh.resources.validation.findings import Findings, shown
from mesh.resources.validation.inert import inert_fields, kept_zeros, worth_telling
from mesh.resources.values.meta import Part
from mesh.resources.values.problems import FieldError, Invalid, Reason, meant, required

DEEPEST = 64
SURROGATE = re.compile("[\ud800-\udfff]")


def check(body: Any, type_: type[Part], *, lean: bool = False) -> Findings:
    """Compares JSON values, as `plain` returns them, with a type.

    Fields that the type does not have are removed in place. `lean` removes empty and zero values as well, which
    Kubernetes' own kinds leave out (custom resources, and so Istio's kinds, keep them).
    """
    findings = Findings()
    _walk(body, _described(type_), "", findings, lean=lean)
    return findings


def walk_struct(value: Any, type_: type[Part], path: str, findings: Findings) -> Any:
    """Checks a struct within a shape (`mesh.resources.validation.shaped`), leanly."""
    return _walk(value, _described(type_), path, findings, lean=True)


@cache
def _described(type_: type[Part]) -> inspect.Type:
    return inspect.type_info(type_)


class _Shape(NamedTuple):
    """What the walk needs to know of a struct; the type of a value in `plain` fields is all there is to check."""

    types: dict[str, inspect.Type]
    plain: dict[str, type]
    required: tuple[str, ...]
    inert: frozenset[str]
    omitted: frozenset[str]
    """What is left out when it is zero."""


@cache
def _shape(cls: type[Any]) -> _Shape:
    described = inspect.type_info(cls)
    assert isinstance(described, inspect.StructType)
    types = {struct_field.encode_name: struct_field.type for struct_field in described.fields}
    return _Shape(
        types,
        {name: _PLAIN[type(kind)] for name, kind in types.items() if type(kind) in _PLAIN},
        tuple(struct_field.encode_name for struct_field in described.fields if struct_field.required),
        inert_fields(cls),
        frozenset(
            field.encode_name
            for field in described.fields
            if _is_zero_default(field) and field.encode_name not in kept_zeros(cls)
        ),
    )


def _is_zero_default(field: inspect.Field) -> bool:
    """Whether absence means the zero value. Where it means something else, a zero is a value of its own."""
    if field.required:
        return False
    if field.default is not msgspec.NODEFAULT:
        return field.default in ("", 0) or field.default is False
    return field.default_factory in (list, dict)


def plain(body: Any) -> Any:
    """A copy without null fields, which Kubernetes treats as absent.

    Raises Invalid, with the path, if it contains what JSON cannot express.
    """
    try:
        return _plain(body, 0)
    except _NotJson as error:
        path = "".join(reversed(error.parts)).lstrip(".")
        # The key itself may be what is not Unicode; the message must be.
        raise Invalid([FieldError(path.encode(errors="replace").decode(), str(error))]) from None


class _NotJson(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.parts: list[str] = []


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        if not value.isascii() and SURROGATE.search(value):
            raise _NotJson("is not Unicode text")
    elif isinstance(value, dict | list):
        if depth > DEEPEST:
            raise _NotJson(f"is nested deeper than {DEEPEST} levels")
        return _plain_map(value, depth + 1) if isinstance(value, dict) else _plain_list(value, depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _NotJson(f"{value} is not a number that JSON has")
    elif value is not None and not isinstance(value, int):
        raise _NotJson(f"a {type(value).__name__} is not JSON")
    return value


def _plain_map(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    cleaned = {}
    for key, member in value.items():
        if not isinstance(key, str):
            raise _NotJson(f"the key {key!r} is not a string; put it in quotes")
        try:
            if not key.isascii():
                _plain(key, depth)
            if member is not None:
                cleaned[key] = _plain(member, depth)
        except _NotJson as error:
            error.parts.append(f".{key}")
            raise
    return cleaned


def _plain_list(value: list[Any], depth: int) -> list[Any]:
    cleaned = []
    for place, member in enumerate(value):
        try:
            cleaned.append(_plain(member, depth))
        except _NotJson as error:
            error.parts.append(f"[{place}]")
            raise
    return cleaned


def _walk(value: Any, kind: inspect.Type, path: str, findings: Findings, *, lean: bool) -> Any:
    """Checks a value; returns it, or what is stored in its place (a quantity in its canonical form)."""
    match kind:
        case inspect.StructType():
            return _struct(value, kind, path, findings, lean=lean)
        case inspect.ListType():
            if not isinstance(value, list):
                findings.wrong(path, f"{shown(value)} is not a list")
                return value
            for number, member in enumerate(value):
                value[number] = _walk(member, kind.item_type, f"{path}[{number}]", findings, lean=lean)
        case inspect.DictType():
            if not isinstance(value, dict):
                findings.wrong(path, f"{shown(value)} is not a map")
                return value
            for key, member in value.items():
                value[key] = _walk(member, kind.value_type, f"{path}[{key}]", findings, lean=lean)
        case inspect.UnionType():
            return _union(value, kind, path, findings, lean=lean)
        case inspect.Metadata(extra={"shape": str(shape)}):
            # Imported for the first object that has such a part: most have none.
            from mesh.resources.validation.shaped import walk_shape  # noqa: PLC0415

            return walk_shape(value, shape, path, findings)
        case inspect.AnyType():
            pass
        case _:
            _scalar(value, kind, path, findings)
    return value


def _struct(value: Any, kind: inspect.StructType, path: str, findings: Findings, *, lean: bool) -> Any:
    if not isinstance(value, dict):
        findings.wrong(path, f"{shown(value)} is not a map")
        return value
    shape = _shape(kind.cls)
    dot = f"{path}." if path else ""
    unknown = value.keys() - shape.types.keys()
    for name in sorted(unknown):
        hint = meant(name, shape.types)
        findings.add(FieldError(f"{dot}{name}", f"unknown field{hint}", reason=Reason.UNKNOWN))
        del value[name]
    left_out = []
    for name, member in value.items():
        # Not an error: the object is stored as written, and works where the field has its effect.
        if name in shape.inert and worth_telling(name, member):
            findings.inert.append(f"{dot}{name}")
        # Most members are plain and of the right type: nothing in them needs a walk.
        if type(member) is not shape.plain.get(name):
            value[name] = _walk(member, shape.types[name], f"{dot}{name}", findings, lean=lean)
        if lean and not value[name] and name in shape.omitted and type(member) in ZERO_TYPES:
            left_out.append(name)
    for name in left_out:
        del value[name]
    for name in shape.required:
        if name not in value:
            findings.add(required(f"{dot}{name}"))
    return value


def _union(value: Any, kind: inspect.UnionType, path: str, findings: Findings, *, lean: bool) -> Any:
    members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
    for member in members:
        if _fits(value, member):
            return _walk(value, member, path, findings, lean=lean)
    # Nothing fits: with one alternative, its own message is the most precise one.
    if len(members) == 1:
        return _walk(value, members[0], path, findings, lean=lean)
    names = " or ".join(_NAMES.get(type(member), "map") for member in members)
    findings.wrong(path, f"{shown(value)} is not a {names}")
    return value


_NAMES: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.ListType: "list",
    inspect.DictType: "map",
    inspect.StructType: "map",
}

# Of a struct, {} says that it is there.
ZERO_TYPES = (str, int, float, bool, list, dict)

_PLAIN: dict[type[inspect.Type], type] = {inspect.StrType: str, inspect.BoolType: bool}

_FITS: dict[type[inspect.Type], Callable[[Any], bool]] = {
    inspect.StrType: lambda value: isinstance(value, str),
    inspect.IntType: lambda value: isinstance(value, int) and not isinstance(value, bool),
    inspect.FloatType: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    inspect.BoolType: lambda value: isinstance(value, bool),
    inspect.ListType: lambda value: isinstance(value, list),
    inspect.DictType: lambda value: isinstance(value, dict),
    inspect.StructType: lambda value: isinstance(value, dict),
}


def _fits(value: Any, kind: inspect.Type) -> bool:
    fits = _FITS.get(type(kind))
    return fits is not None and fits(value)


def _scalar(value: Any, kind: inspect.Type, path: str, findings: Findings) -> None:
    if not _fits(value, kind):
        name = _NAMES.get(type(kind), "value of the right type")
        hint = "; put it in quotes" if isinstance(kind, inspect.StrType) and not isinstance(value, dict | list) else ""
        article = "" if name.startswith("true") else "a "
        findings.wrong(path, f"{shown(value)} is not {article}{name}{hint}")
    elif isinstance(kind, inspect.IntType) and not -(2**53) < value < 2**53:
        findings.wrong(path, f"{value} is out of range")
