"""The columns of Ingress and IngressClass are kubectl's."""

from typing import Any

from mesh.resources.columns.column import Column
from mesh.resources.columns.networking import INGRESS, INGRESS_CLASS


def cells(columns: Any, body: dict[str, Any]) -> dict[str, Any]:
    shown: list[Column] = [column for column in columns if column.name not in ("Name", "Age")]
    return {column.name: column.cell(body) for column in shown}


def test_an_ingress_shows_its_class_hosts_address_and_ports() -> None:
    rules = [{"host": f"{letter}.example.com"} for letter in "abcd"]
    body = {
        "spec": {"ingressClassName": "istio", "rules": rules, "tls": [{}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
    }
    assert cells(INGRESS, body) == {
        "Class": "istio",
        "Hosts": "a.example.com,b.example.com,c.example.com + 1 more...",
        "Address": "127.0.0.1",
        "Ports": "80, 443",
    }
    assert cells(INGRESS, {"spec": {}}) == {"Class": "<none>", "Hosts": "*", "Address": "", "Ports": "80"}


def test_a_class_shows_its_controller_and_parameters() -> None:
    parameters = {"apiGroup": "example.com", "kind": "Parameters", "name": "p"}
    body = {"spec": {"controller": "a.b/c", "parameters": parameters}}
    assert cells(INGRESS_CLASS, body) == {"Controller": "a.b/c", "Parameters": "Parameters.example.com/p"}
    assert cells(INGRESS_CLASS, {"spec": {"controller": "a.b/c"}})["Parameters"] == "<none>"
