"""The notation of shapes, and how it is read.

    Toleration: key str, operator str, tolerationSeconds int?

A type is `str`, `int` (64 bits), `int32`, `bool`, `any`, `intstr` (a number or a percentage), `quantity`, `time`,
`microtime`, `bytes` (base64), `[T]`, `{T}` (a map of strings to T), or the name of another shape. Kubernetes leaves
out a field that is empty or zero unless it is a pointer (`?`) or is always written (`!`). Lines that begin with a
space continue the one before.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Fields = Mapping[str, "Field"]


class Field(NamedTuple):
    """A field's type, and whether a zero value of it is stored."""

    type: str
    keeps_zero: bool


def read(text: str) -> dict[str, str]:
    """The lines of a catalogue by the name of the shape, not yet taken apart."""
    joined = text.strip("\n").replace("\n ", " ")
    lines = (line.partition(":") for line in joined.splitlines() if line.strip())
    return {name.strip(): fields.strip() for name, _, fields in lines}


def fields(line: str) -> dict[str, Field]:
    """The fields of one shape."""
    return dict(_fields(part.split() for part in line.split(",") if part.strip()))


def _fields(parts: Iterable[list[str]]) -> Iterable[tuple[str, Field]]:
    for name, type_ in parts:
        keeps_zero = type_.endswith(("?", "!"))
        yield name, Field(type_.rstrip("?!"), keeps_zero)
