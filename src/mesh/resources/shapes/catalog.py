"""Where a shape is found by its name: the catalogues of text, and the structs that shapes refer to."""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

from mesh.resources.shapes.grammar import Field, fields, read

CATALOGUES = ("mesh.resources.shapes.pod_parts", "mesh.resources.shapes.kinds_without_effect")
# Structs by the names under which shapes refer to them. Imported when a shape needs one: structs refer to shapes, too.
_STRUCTS = {
    "ObjectMeta": ("mesh.resources.values.meta", "ObjectMeta"),
    "LabelSelector": ("mesh.resources.values.meta", "LabelSelector"),
    "ObjectReference": ("mesh.resources.core.config", "ObjectReference"),
    "PodTemplateSpec": ("mesh.resources.core.pod", "PodTemplateSpec"),
    "PodSpec": ("mesh.resources.core.pod", "PodSpec"),
    "KeyToPath": ("mesh.resources.core.pod", "KeyToPath"),
    "ObjectFieldSelector": ("mesh.resources.core.pod", "ObjectFieldSelector"),
    "ResourceFieldSelector": ("mesh.resources.core.pod", "ResourceFieldSelector"),
}


@cache
def _lines() -> dict[str, str]:
    lines: dict[str, str] = {}
    for module in CATALOGUES:
        lines |= read(import_module(module).TEXT)
    return lines


@cache
def fields_of(name: str) -> dict[str, Field]:
    """The fields of a shape. Raises KeyError when there is none of the name."""
    return fields(_lines()[name])


def names() -> Iterable[str]:
    """The names of all shapes."""
    return _lines()


def has_shape(name: str) -> bool:
    """Whether a catalogue has a shape of this name."""
    return name in _lines()


@cache
def struct(name: str) -> type[Any] | None:
    """The struct that a name in a shape stands for; None when it is a shape."""
    if name not in _STRUCTS:
        return None
    module, attribute = _STRUCTS[name]
    found: type[Any] = getattr(import_module(module), attribute)
    return found
