"""The columns of Istio's kinds: those of Istio's CustomResourceDefinitions, and whether Envoy has the rule."""

import json
from typing import Any

from mesh.resources.columns.column import Column, condition_column, spec, with_name_and_age

# A column of the mesh itself, and so one that scripts written for a cluster do not see.
PROGRAMMED = condition_column("Programmed", wide=True)


def _list(value: Any) -> str:
    """A list as kubectl shows it in Istio's columns; nothing when there is none."""
    return json.dumps(value, separators=(",", ":")) if value else ""


# Kinds for which Istio defines no columns show only whether Envoy has them.
RULE = with_name_and_age(PROGRAMMED)

VIRTUAL_SERVICE = with_name_and_age(
    Column("Gateways", lambda b: _list(spec(b).get("gateways"))),
    Column("Hosts", lambda b: _list(spec(b).get("hosts"))),
    PROGRAMMED,
)

DESTINATION_RULE = with_name_and_age(Column("Host", lambda b: spec(b).get("host", "")), PROGRAMMED)

SERVICE_ENTRY = with_name_and_age(
    Column("Hosts", lambda b: _list(spec(b).get("hosts"))),
    Column("Location", lambda b: spec(b).get("location", "")),
    Column("Resolution", lambda b: spec(b).get("resolution", "")),
    PROGRAMMED,
)

AUTHORIZATION_POLICY = with_name_and_age(Column("Action", lambda b: spec(b).get("action", "")), PROGRAMMED)
