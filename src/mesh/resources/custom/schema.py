"""Schemas that users bring: structural schemas (apiextensions.k8s.io/v1, OpenAPIV3Schema).

An object is held against its schema after the schema's defaults were written into it. Fields that the schema does not
have are refused, as they are for the mesh's own kinds, unless it says x-kubernetes-preserve-unknown-fields.
Rules in CEL (x-kubernetes-validations) are not evaluated.
"""

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, meant

MOST_ERRORS = 50
HEAD = ("apiVersion", "kind", "metadata")
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
PLAIN = (
    "type", "required", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties",
)  # fmt: skip


class Schema:
    """One version's schema. Raises ValueError when it is none."""

    def __init__(self, openapi: Body) -> None:
        # The library is large; who defines no kinds does not pay for it.
        from jsonschema_rs import Draft4Validator, RegexOptions  # noqa: PLC0415

        self.openapi = openapi
        try:
            self._validator = Draft4Validator(_plain(openapi), pattern_options=RegexOptions(), validate_formats=True)
        except Exception as error:
            raise ValueError(str(error).splitlines()[0]) from None

    def fill(self, body: Body) -> None:
        """Writes the schema's defaults into `body`."""
        _fill(body, self.openapi)

    def check(self, body: Body) -> list[FieldError]:
        """All that does not fit, paths relative to the object."""
        errors = list(islice(_unknown(body, self.openapi, "", root=True), MOST_ERRORS))
        found = self._validator.iter_errors(body)
        return errors + [FieldError(_path(each.instance_path), each.message) for each in islice(found, MOST_ERRORS)]


def _path(parts: Any) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _plain(schema: Any) -> Any:
    """The schema in words of JSON Schema's draft 4, from which OpenAPI 3.0 comes."""
    if not isinstance(schema, dict):
        return schema
    told: Body = {name: value for name, value in schema.items() if name in PLAIN}
    for name in ("items", "additionalProperties", "not"):
        if name in schema:
            told[name] = _plain(schema[name])
    for name in ("allOf", "anyOf", "oneOf"):
        if isinstance(schema.get(name), list):
            told[name] = [_plain(each) for each in schema[name]]
    if isinstance(schema.get("properties"), dict):
        told["properties"] = {name: _plain(each) for name, each in schema["properties"].items()}
    if schema.get(INT_OR_STRING) is True:
        told["type"] = ["integer", "string"]
    if schema.get("nullable") is True and isinstance(told.get("type"), str):
        told["type"] = [told["type"], "null"]
    if not told.get("required", True):
        del told["required"]
    return told


def _members(schema: Any, name: str) -> Any:
    """The schema of a field: None when there is no such, {} when anything may stand there."""
    properties = schema.get("properties")
    if isinstance(properties, dict) and name in properties:
        return properties[name]
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        return more
    return {PRESERVE: True} if more is True or schema.get(PRESERVE) is True else None


def _unknown(value: Any, schema: Any, path: str, *, root: bool = False) -> Iterator[FieldError]:
    if not isinstance(schema, dict):
        return
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield from _unknown(member, schema.get("items"), f"{path}[{number}]")
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if name in HEAD and (root or schema.get(EMBEDDED) is True):
            continue
        below = _members(schema, name)
        where = f"{path}.{name}" if path else name
        if below is None:
            yield FieldError(where, f"unknown field{meant(name, schema.get('properties') or {})}")
        else:
            yield from _unknown(member, below, where)


def _fill(value: Any, schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    if isinstance(value, list):
        for member in value:
            _fill(member, schema.get("items"))
    if not isinstance(value, dict):
        return
    properties = schema.get("properties")
    for name, below in (properties if isinstance(properties, dict) else {}).items():
        if name not in value and isinstance(below, dict) and below.get("default") is not None:
            value[name] = copy.deepcopy(below["default"])
    for name, member in value.items():
        _fill(member, _members(schema, name))
