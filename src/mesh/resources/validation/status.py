"""The status of an object, as whoever has the right may write it through the status subresource.

Controllers, the routing and every list decode whole objects: a status of the wrong shape would hide its object from
all of them. It is therefore held to its kind as the specification is.
"""

from typing import Any

import msgspec

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.validation.structure import check, plain
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Invalid
from mesh.resources.values.ref import Ref


def with_status(ref: Ref, definition: KindDefinition, body: Body, status: Any) -> Body:
    """`body` with a new status, None for none. Raises Invalid with everything in the status that is wrong."""
    if status is None:
        status = {}
    if not isinstance(status, dict):
        raise Invalid([FieldError("status", "is not a map", ref)])
    after = {**body, "status": plain({"status": status})["status"]}
    errors = _schema_errors(definition, after) if definition.type is Untyped else _type_errors(definition, after)
    # What is wrong elsewhere was there before, and a controller that reports a status cannot repair it.
    if errors := [FieldError(error.path, error.message, ref) for error in errors if _is_in_status(error.path)]:
        raise Invalid(errors)
    return after


def _is_in_status(path: str) -> bool:
    return path == "status" or path.startswith(("status.", "status["))


def _type_errors(definition: KindDefinition, body: Body) -> list[FieldError]:
    if errors := check(body, definition.type).errors:
        return errors
    try:
        msgspec.convert(body, definition.type)
    except msgspec.ValidationError as error:
        return [FieldError("status", str(error))]
    return []


def _schema_errors(definition: KindDefinition, body: Body) -> list[FieldError]:
    if definition.custom is None:
        return []
    return definition.custom.check(str(body["apiVersion"]).rpartition("/")[2], body)
