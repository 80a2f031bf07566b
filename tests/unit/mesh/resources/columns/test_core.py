"""The columns of Kubernetes' own kinds say what a real cluster's would."""

from collections.abc import Sequence
from typing import Any

from mesh.resources.columns import core
from mesh.resources.columns.column import Column
from mesh.resources.values.body import Body


def shown(columns: Sequence[Column], **body: Any) -> dict[str, Any]:
    """The cells of an object, by the titles of their columns, without its name and age."""
    complete: Body = {"metadata": {"name": "a"}, **body}
    return {column.name: column.cell(complete) for column in columns if column.name not in ("Name", "Age")}


def test_a_service_shows_its_ports_with_node_ports() -> None:
    ports = [{"port": 80, "nodePort": 30080}, {"port": 53, "protocol": "UDP"}]
    cells = shown(core.SERVICE, spec={"type": "NodePort", "ports": ports, "selector": {"b": "2", "a": "1"}})
    assert (cells["Port(s)"], cells["Cluster-IP"], cells["Selector"]) == ("80:30080/TCP,53/UDP", "<none>", "a=1,b=2")


def test_an_external_name_is_shown_as_the_external_address() -> None:
    cells = shown(core.SERVICE, spec={"type": "ExternalName", "externalName": "example.com"})
    assert cells["External-IP"] == "example.com"


def test_a_deployment_without_a_status_has_nothing_ready() -> None:
    cells = shown(core.DEPLOYMENT, spec={"replicas": 2, "selector": {"matchLabels": {"app": "a"}}})
    assert (cells["Ready"], cells["Up-to-date"], cells["Available"], cells["Selector"]) == ("0/2", 0, 0, "app=a")


def test_only_the_first_addresses_of_endpoints_are_shown() -> None:
    subsets = [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(5)], "ports": [{"port": 80}]}]
    shown_addresses = "10.0.0.0:80,10.0.0.1:80,10.0.0.2:80 + 2 more..."
    assert shown(core.ENDPOINTS, subsets=subsets)["Endpoints"] == shown_addresses
    assert shown(core.ENDPOINTS)["Endpoints"] == "<none>"


def test_events_are_listed_by_what_happened_and_not_by_name() -> None:
    assert [column.name for column in core.EVENT if not column.wide] == [
        "Last Seen", "Type", "Reason", "Object", "Message",
    ]  # fmt: skip
    cells = shown(core.EVENT, involvedObject={"kind": "Pod", "name": "mall"}, message=" it began \n")
    assert (cells["Object"], cells["Message"]) == ("pod/mall", "it began")
