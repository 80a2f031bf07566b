"""The columns of Node: as on a real cluster, also for nodes that somebody else writes and that report nothing."""

from collections.abc import Mapping
from typing import Any

from mesh.resources.columns.column import AGE, NAME, NONE, Column, spec, status
from mesh.resources.values.conditions import find_condition

UNKNOWN = "<unknown>"
ROLE = "node-role.kubernetes.io/"


def _status(node: Mapping[str, Any]) -> str:
    ready = find_condition(status(node).get("conditions"), "Ready")
    state = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if spec(node).get("unschedulable") else state


def _roles(node: Mapping[str, Any]) -> str:
    labels = node["metadata"].get("labels") or {}
    return ",".join(sorted(label.removeprefix(ROLE) for label in labels if label.startswith(ROLE))) or NONE


def _info(name: str, absent: str = UNKNOWN) -> Any:
    return lambda node: (status(node).get("nodeInfo") or {}).get(name) or absent


def _address(type_: str) -> Any:
    def cell(node: Mapping[str, Any]) -> str:
        addresses = status(node).get("addresses") or []
        return next((str(address["address"]) for address in addresses if address.get("type") == type_), NONE)

    return cell


NODE = (
    NAME,
    Column("Status", _status),
    Column("Roles", _roles),
    AGE,
    Column("Version", _info("kubeletVersion", "")),
    Column("Internal-IP", _address("InternalIP"), wide=True),
    Column("External-IP", _address("ExternalIP"), wide=True),
    Column("OS-Image", _info("osImage"), wide=True),
    Column("Kernel-Version", _info("kernelVersion"), wide=True),
    Column("Container-Runtime", _info("containerRuntimeVersion"), wide=True),
)
