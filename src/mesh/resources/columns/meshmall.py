"""The columns of Branch."""

from collections.abc import Mapping
from typing import Any

from mesh.resources.columns.column import NONE, Column, spec, status, with_name_and_age


def _changes(branch: Mapping[str, Any]) -> str:
    return ",".join(service["name"] for service in status(branch).get("services") or []) or NONE


def _entries(branch: Mapping[str, Any]) -> str:
    entries = [
        value if kind == "host" else f"{value['name']}={value['value']}"
        for entry in spec(branch).get("enter") or []
        for kind, value in entry.items()
    ]
    return ",".join(entries) or NONE


def _data(branch: Mapping[str, Any]) -> str:
    return ",".join(store["name"] for store in status(branch).get("data") or []) or NONE


BRANCH = with_name_and_age(
    Column("Phase", lambda b: status(b).get("phase", "Pending")),
    Column("Changes", _changes),
    Column("Enters", _entries),
    Column("Ends", lambda b: status(b).get("expiresAt", "")),
    Column("Data", _data, wide=True),
    Column("URL", lambda b: status(b).get("url", ""), wide=True),
)
