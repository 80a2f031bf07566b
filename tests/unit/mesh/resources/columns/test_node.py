"""The columns of nodes: also of one that says nothing about itself."""

from typing import Any

from mesh.resources.columns.node import NODE


def cells(node: dict[str, Any]) -> dict[str, Any]:
    return {column.name: column.cell(node) for column in NODE if column.name != "Age"}


def test_a_node_that_reports_nothing_is_shown_all_the_same() -> None:
    shown = cells({"metadata": {"name": "n"}})
    assert (shown["Name"], shown["Status"], shown["Roles"], shown["Internal-IP"]) == (
        "n",
        "Unknown",
        "<none>",
        "<none>",
    )
    assert shown["Kernel-Version"] == "<unknown>"


def test_a_node_shows_its_roles_and_whether_it_takes_pods() -> None:
    labels = {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/edge": "", "zone": "a"}
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.0.0.1"}],
        "nodeInfo": {"kubeletVersion": "v1.37.2"},
    }
    shown = cells({"metadata": {"name": "n", "labels": labels}, "spec": {"unschedulable": True}, "status": status})
    assert shown["Status"] == "Ready,SchedulingDisabled"
    assert (shown["Roles"], shown["Internal-IP"], shown["Version"]) == ("edge,worker", "10.0.0.1", "v1.37.2")
