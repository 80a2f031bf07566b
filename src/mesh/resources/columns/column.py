"""One column of a kind's table, and what several kinds' columns have in common.

The server computes the cells (a Table of meta.k8s.io/v1), so kubectl and `meshmall get` show the same.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mesh.resources.values.conditions import find_condition
from mesh.resources.values.durations import human_duration

Cell = Callable[[Mapping[str, Any]], Any]
NONE = "<none>"


class Column(NamedTuple):
    """A column: its title, the cell of an object, its OpenAPI type, and whether only `-o wide` shows it."""

    name: str
    cell: Cell
    type: str = "string"
    wide: bool = False


def status(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object's status; empty while it has none."""
    return body.get("status") or {}


def spec(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object's spec; empty when it has none."""
    return body.get("spec") or {}


def since(timestamp: str | None) -> str:
    """How long ago an RFC 3339 time was, as kubectl prints it."""
    try:
        then = datetime.fromisoformat(str(timestamp))
        return human_duration((datetime.now(UTC) - then).total_seconds())
    except (ValueError, TypeError):  # not a time, or one without a zone
        return "<unknown>"


def labels_text(labels: Mapping[str, str] | None) -> str:
    """Labels as kubectl prints them: `app=mall,version=v1`."""
    return ",".join(f"{name}={value}" for name, value in sorted((labels or {}).items())) or NONE


def condition_column(type_: str, *, wide: bool = False) -> Column:
    """A column with the status of a condition."""

    def cell(body: Mapping[str, Any]) -> str:
        condition = find_condition(status(body).get("conditions"), type_)
        return str(condition["status"]) if condition else "Unknown"

    return Column(type_, cell, wide=wide)


NAME = Column("Name", lambda b: b["metadata"]["name"])
AGE = Column("Age", lambda b: since(b["metadata"].get("creationTimestamp")))
NAME_AND_AGE = (NAME, AGE)


def with_name_and_age(*columns: Column) -> Sequence[Column]:
    """The columns in kubectl's order: the name first, the age before what only `-o wide` shows."""
    return (
        NAME,
        *(column for column in columns if not column.wide),
        AGE,
        *(column for column in columns if column.wide),
    )
