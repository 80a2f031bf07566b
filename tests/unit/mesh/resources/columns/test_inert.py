"""The columns of kinds without effect show what a cluster shows."""

from typing import Any

import pytest

from mesh.resources.columns.inert import COLUMNS, selector_text

RBAC, NETWORKING = "rbac.authorization.k8s.io", "networking.k8s.io"


def cells(group: str, kind: str, **body: Any) -> dict[str, Any]:
    stored = {"metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"}, **body}
    return {column.name: column.cell(stored) for column in COLUMNS[group, kind]}


def test_a_binding_shows_its_role_and_whom_it_binds() -> None:
    subjects = [
        {"kind": "User", "name": "ann"},
        {"kind": "ServiceAccount", "name": "default", "namespace": "mesh"},
    ]
    shown = cells(RBAC, "RoleBinding", roleRef={"kind": "Role", "name": "reader"}, subjects=subjects)
    assert (shown["Role"], shown["Users"], shown["Groups"], shown["ServiceAccounts"]) == (
        "Role/reader",
        "ann",
        "",
        "mesh/default",
    )


@pytest.mark.parametrize(
    ("spec", "hosts", "ports"),
    [
        ({}, "*", "80"),
        ({"rules": [{"host": "a.b"}, {"host": "a.b"}], "tls": [{}]}, "a.b", "80, 443"),
        ({"rules": [{"host": name} for name in "abcde"]}, "a,b,c + 2 more...", "80"),
    ],
)
def test_an_ingress_shows_hosts_and_ports(spec: dict[str, Any], hosts: str, ports: str) -> None:
    shown = cells(NETWORKING, "Ingress", spec=spec)
    assert (shown["Hosts"], shown["Ports"], shown["Class"]) == (hosts, ports, "<none>")


def test_a_quota_shows_what_is_used_of_it() -> None:
    status = {"hard": {"pods": "10", "limits.cpu": "2"}, "used": {"pods": "4"}}
    shown = cells("", "ResourceQuota", status=status)
    assert (shown["Request"], shown["Limit"]) == ("pods: 4/10", "limits.cpu: 0/2")


def test_a_selector_is_printed_as_kubectl_prints_it() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    assert (
        selector_text({"matchLabels": {"app": "web"}, "matchExpressions": expressions}) == "!old,app=web,tier in (a,b)"
    )
    assert selector_text({}) == "<none>"
