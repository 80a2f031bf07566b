"""Objects as server-side Tables (meta.k8s.io/v1): what kubectl and `meshmall get` print.

The columns are those of the kind's definition (`mesh.resources.columns`), or of the CustomResourceDefinition. Columns
of priority 0 are always shown, those of priority 1 with `-o wide`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mesh.api.objects.json_paths import find
from mesh.api.objects.representations import META, metadata_only
from mesh.resources.columns.column import NAME, Column, since
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.values.body import Body

# Of a cell that cannot be computed.
UNREADABLE = "<unknown>"


def table(
    definition: KindDefinition,
    version: str,
    bodies: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    include: str = "",
) -> Body:
    """A Table. `include` is None, Metadata (the default) or Object: what each row carries of its object."""
    columns = columns_of(definition, version)
    return {
        "kind": "Table",
        "apiVersion": META,
        "metadata": dict(metadata),
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [
            {"cells": [_cell(column, body) for column in columns], "object": _row_object(body, include)}
            for body in bodies
        ],
    }


def _cell(column: Column, body: Mapping[str, Any]) -> Any:
    """What an object shows in a column."""
    try:
        return column.cell(body)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Kinds without a shape are stored as they are written: one odd object must not hide all others of its kind.
        return UNREADABLE


def columns_of(definition: KindDefinition, version: str) -> Sequence[Column]:
    """The columns of a kind at a version: a CustomResourceDefinition may print each version differently."""
    custom = definition.custom.columns(version) if definition.custom is not None else ()
    return [NAME, *map(_custom, custom)] if custom else definition.columns


def _definition(column: Column) -> Body:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == NAME.name else "",
        "description": "",
        "priority": 1 if column.wide else 0,
    }


def _row_object(body: Mapping[str, Any], include: str) -> Any:
    if include == "Object":
        return body
    if include == "None":
        return None
    return metadata_only(body)


def _custom(column: Body) -> Column:
    """A column of a CustomResourceDefinition (additionalPrinterColumns)."""
    path, type_ = column["jsonPath"], column["type"]

    def cell(body: Mapping[str, Any]) -> Any:
        values = find(body, path)
        if not values:
            return None
        if type_ == "date":
            return since(values[0])
        if type_ in ("integer", "number", "boolean") and isinstance(values[0], int | float):
            return values[0]
        return ",".join(value if isinstance(value, str) else json.dumps(value) for value in values)

    # The cell has a span of time ("5m") by now, not a date that a client would have to format.
    printed = "string" if type_ == "date" else type_
    return Column(column["name"], cell, printed, bool(column.get("priority", 0)))
