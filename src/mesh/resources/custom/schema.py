"""The structural schemas of users' kinds (apiextensions.k8s.io/v1, OpenAPIV3Schema).

An object is checked against its schema after the schema's defaults are filled in. Fields unknown to the schema are
taken out before, as those of the mesh's own kinds are, unless it says x-kubernetes-preserve-unknown-fields.
Rules in CEL (x-kubernetes-validations) are not evaluated.
"""

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Reason, meant

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
    """The schema of one version. Raises ValueError when it is not a schema."""

    def __init__(self, openapi: Body) -> None:
        # Imported late: the library is large, and most meshes define no kinds.
        from jsonschema_rs import Draft4Validator, RegexOptions  # noqa: PLC0415

        self.openapi = openapi
        try:
            self._validator = Draft4Validator(_plain(openapi), pattern_options=RegexOptions(), validate_formats=True)
        except Exception as error:
            raise ValueError(str(error).splitlines()[0]) from None

    def fill(self, body: Body) -> None:
        """Writes the schema's defaults into `body`."""
        _fill(body, self.openapi)

    def prune(self, body: Body) -> list[FieldError]:
        """Takes the fields out of `body` that the schema does not have, and names them."""
        return list(_prune(body, self.openapi, "", root=True))[:MOST_ERRORS]

    def check(self, body: Body) -> list[FieldError]:
        """Every mismatch, paths relative to the object."""
        mismatches = self._validator.iter_errors(body)
        return [FieldError(_path(error.instance_path), error.message) for error in islice(mismatches, MOST_ERRORS)]


def _path(parts: Any) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _plain(schema: Any) -> Any:
    """The schema in terms of JSON Schema draft 4, on which OpenAPI 3.0 is based."""
    if not isinstance(schema, dict):
        return schema
    translated: Body = {name: value for name, value in schema.items() if name in PLAIN}
    for name in ("items", "additionalProperties", "not"):
        if name in schema:
            translated[name] = _plain(schema[name])
    for name in ("allOf", "anyOf", "oneOf"):
        if isinstance(schema.get(name), list):
            translated[name] = [_plain(member) for member in schema[name]]
    if isinstance(schema.get("properties"), dict):
        translated["properties"] = {name: _plain(member) for name, member in schema["properties"].items()}
    if schema.get(INT_OR_STRING) is True:
        translated["type"] = ["integer", "string"]
    if schema.get("nullable") is True and isinstance(translated.get("type"), str):
        translated["type"] = [translated["type"], "null"]
    if not translated.get("required", True):
        del translated["required"]
    return translated


def _members(schema: Any, name: str) -> Any:
    """The schema of a field: None for an unknown field, {} when anything is allowed."""
    properties = schema.get("properties")
    if isinstance(properties, dict) and name in properties:
        return properties[name]
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        return more
    return {PRESERVE: True} if more is True or schema.get(PRESERVE) is True else None


def _prune(value: Any, schema: Any, path: str, *, root: bool = False) -> Iterator[FieldError]:
    if not isinstance(schema, dict):
        return
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield from _prune(member, schema.get("items"), f"{path}[{number}]")
    if not isinstance(value, dict):
        return
    for name in list(value):
        if name in HEAD and (root or schema.get(EMBEDDED) is True):
            continue
        below = _members(schema, name)
        where = f"{path}.{name}" if path else name
        if below is None:
            hint = meant(name, schema.get("properties") or {})
            yield FieldError(where, f"unknown field{hint}", reason=Reason.UNKNOWN)
            del value[name]
        else:
            yield from _prune(value[name], below, where)


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
