"""The columns of the Gateway API's kinds: those of its CustomResourceDefinitions."""

import json
from collections.abc import Mapping
from typing import Any

from mesh.resources.columns.column import Column, condition_column, spec, status, with_name_and_age

GATEWAY_CLASS = with_name_and_age(
    Column("Controller", lambda b: spec(b).get("controllerName", "")),
    condition_column("Accepted"),
)

GATEWAY = with_name_and_age(
    Column("Class", lambda b: spec(b).get("gatewayClassName", "")),
    Column("Address", lambda b: ",".join(address["value"] for address in status(b).get("addresses") or [])),
    condition_column("Programmed"),
)


def _hostnames(body: Mapping[str, Any]) -> str | None:
    hostnames = spec(body).get("hostnames")
    return json.dumps(hostnames, separators=(",", ":")) if hostnames else None


ROUTE = with_name_and_age(Column("Hostnames", _hostnames))
LISTENER_SET = with_name_and_age(condition_column("Accepted"), condition_column("Programmed"))
MESH = with_name_and_age(condition_column("Accepted"))
