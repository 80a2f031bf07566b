"""Checks JSON against shapes (`mesh.resources.shapes`), as `structure` does against structs."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from mesh.resources.shapes.catalog import fields_of, struct
from mesh.resources.shapes.grammar import Field
from mesh.resources.validation.findings import Findings, shown
from mesh.resources.validation.structure import walk_struct
from mesh.resources.values.problems import FieldError, Reason, meant
from mesh.resources.values.quantities import canonical

_TIME = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d%s([Zz]|[+-]\d{2}:\d{2})"
TIME = re.compile(_TIME % r"(\.\d+)?")
MICRO_TIME = re.compile(_TIME % r"\.\d{6}")


def walk_shape(value: Any, type_: str, path: str, findings: Findings) -> Any:
    """Checks a value against a type in the notation of shapes; returns what is stored in its place.

    Unknown fields and zero values are removed in place.
    """
    if type_[0] == "[":
        if not isinstance(value, list):
            findings.wrong(path, f"{shown(value)} is not a list")
            return value
        value[:] = [
            walk_shape(member, type_[1:-1], f"{path}[{number}]", findings) for number, member in enumerate(value)
        ]
        return value
    if type_[0] == "{":
        if not isinstance(value, dict):
            findings.wrong(path, f"{shown(value)} is not a map")
            return value
        for key, member in value.items():
            value[key] = walk_shape(member, type_[1:-1], f"{path}[{key}]", findings)
        return value
    if type_[0].islower():
        return _scalar(value, type_, path, findings)
    if (type_of_struct := struct(type_)) is not None:
        return walk_struct(value, type_of_struct, path, findings)
    return walk_fields(value, fields_of(type_), path, findings)


def walk_fields(value: Any, fields: dict[str, Field], path: str, findings: Findings) -> Any:
    """Checks a map that has these fields and no others."""
    if not isinstance(value, dict):
        findings.wrong(path, f"{shown(value)} is not a map")
        return value
    dot = f"{path}." if path else ""
    for name in sorted(value.keys() - fields.keys()):
        hint = meant(name, fields)
        findings.add(FieldError(f"{dot}{name}", f"unknown field{hint}", reason=Reason.UNKNOWN))
        del value[name]
    for name in list(value):
        field = fields[name]
        member = value[name] = walk_shape(value[name], field.type, f"{dot}{name}", findings)
        if not member and not field.keeps_zero and (field.type[0] in "[{" or field.type[0].islower()):
            del value[name]
    return value


def _scalar(value: Any, type_: str, path: str, findings: Findings) -> Any:
    try:
        return SCALARS[type_](value)
    except ValueError as error:
        findings.wrong(path, str(error))
        return value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        hint = "" if isinstance(value, dict | list) else "; put it in quotes"
        raise ValueError(f"{shown(value)} is not a string{hint}")
    return value


def _integer(bits: int) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{shown(value)} is not a whole number")
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise ValueError(f"{value} is out of range ({bits} bits)")
        return value

    return checked


def _boolean(value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is not true or false")
    return value


def _integer_or_text(value: Any) -> Any:
    return value if isinstance(value, str) else _integer(32)(value)


def _quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{shown(value)} is not a quantity")
    return canonical(value)


def _bytes(value: Any) -> Any:
    try:
        base64.b64decode(_text(value).replace("\n", "").replace("\r", ""), validate=True)
    except binascii.Error:
        raise ValueError("is not base64") from None
    return value


def _matching(pattern: re.Pattern[str], example: str) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if not pattern.fullmatch(_text(value)):
            raise ValueError(f"{shown(value)} is not a time (for example, {example})")
        return value

    return checked


SCALARS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _integer(64),
    "int32": _integer(32),
    "bool": _boolean,
    "any": lambda value: value,
    "intstr": _integer_or_text,
    "quantity": _quantity,
    "bytes": _bytes,
    "time": _matching(TIME, "2026-01-01T00:00:00Z"),
    "microtime": _matching(MICRO_TIME, "2026-01-01T00:00:00.000000Z"),
}
