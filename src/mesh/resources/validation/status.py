"""The status of an object, as whoever has the right may write it through the status subresource.

Controllers, the routing and every list decode whole objects: a status of the wrong shape would hide its object from
all of them. It is therefore held to its kind as the specification is.
"""

import copy
from typing import Any

import msgspec

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.validation.manifest import UnknownFields
from mesh.resources.validation.structure import check, plain
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Invalid, malformed
from mesh.resources.values.ref import Ref


def with_status(
    ref: Ref,
    definition: KindDefinition,
    body: Body,
    status: Any,
    unknown_fields: UnknownFields = UnknownFields.REJECTED,
) -> tuple[Body, list[str]]:
    """`body` with a new status, None for none, and warnings.

    Raises Invalid with everything in the status that is wrong.
    """
    if status is None:
        status = {}
    if not isinstance(status, dict):
        raise Invalid([malformed("status", "is not a map").of(ref)])
    after = {**body, "status": plain({"status": status})["status"]}
    unknown: list[FieldError] = []
    if definition.type is Untyped:
        # The status alone: what is unknown elsewhere is not the writer's business.
        unknown = _unknown_to_schema(definition, {"apiVersion": after["apiVersion"], "status": after["status"]})
        errors = _schema_errors(definition, after)
    else:
        # A copy, since the check takes unknown fields out, and those elsewhere are not the writer's business.
        checked = {**copy.deepcopy(body), "status": after["status"]}
        findings = check(checked, definition.type)
        errors = findings.errors or _value_errors(definition, checked)
        unknown = [error for error in findings.unknown if _is_in_status(error.path)]
    if unknown_fields is UnknownFields.REJECTED:
        errors = [*errors, *unknown]
    # What is wrong elsewhere was there before, and a controller that reports a status cannot repair it.
    if errors := [error.of(ref) for error in errors if _is_in_status(error.path)]:
        raise Invalid(errors)
    warned = unknown if unknown_fields is UnknownFields.WARNED else []
    return after, [f'unknown field "{error.path}"' for error in warned]


def _is_in_status(path: str) -> bool:
    # Paths that a definition gives for the scale subresource begin with a dot.
    path = path.removeprefix(".")
    return path == "status" or path.startswith(("status.", "status["))


def _value_errors(definition: KindDefinition, body: Body) -> list[FieldError]:
    try:
        typed = msgspec.convert(body, definition.type)
    except msgspec.ValidationError as error:
        return [malformed("status", str(error))]
    return list(definition.check_status(typed))


def _unknown_to_schema(definition: KindDefinition, body: Body) -> list[FieldError]:
    if definition.custom is None:
        return []
    return definition.custom.prune(str(body["apiVersion"]).rpartition("/")[2], body)


def _schema_errors(definition: KindDefinition, body: Body) -> list[FieldError]:
    if definition.custom is None:
        return []
    return definition.custom.check(str(body["apiVersion"]).rpartition("/")[2], body)
