"""Services: what is refused, by its path, and what may not change."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.support.objects import updated
from tests.support.smallest import SERVICE

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]


@pytest.mark.parametrize(
    ("field", "value", "path", "says"),
    [
        ("spec.ports[0].port", 0, "", "0 is not a port (1-65535)"),
        ("spec.ports[0].targetPort", "8080", "", "neither a port nor the name"),
        ("spec.ports[0].protocol", "UDP", "", "is not supported by this mesh"),
        ("spec.ports", [], "", "is empty"),
        ("spec.ports", [{"name": "a", "port": 1}, {"name": "a", "port": 2}], "spec.ports[1].name", "duplicate"),
        ("spec.ports", [{"name": "a", "port": 1}, {"name": "b", "port": 1}], "spec.ports[1].port", "duplicate"),
        ("spec.type", "ExternalName", "spec.externalName", "is missing"),
        ("spec.clusterIP", "nowhere", "", "neither an address"),
        ("spec.sessionAffinity", "IP", "", "neither None nor ClientIP"),
        ("metadata.name", "a.b", "", "is not a name"),
    ],
)  # fmt: skip
def test_a_service_is_refused_for(errors_of: Errors, field: str, value: Any, path: str, says: str) -> None:
    assert says in errors_of(SERVICE, {field: value})[path or field]


def test_node_ports_have_a_range_and_stand_once(errors_of: Errors) -> None:
    ports = [{"name": name, "port": port, "nodePort": 31000} for name, port in (("a", 1), ("b", 2))]
    assert errors_of(SERVICE, {"spec.type": "NodePort", "spec.ports": ports}) == {
        "spec.ports[1].nodePort": "duplicate 31000"
    }
    assert "30000-32767" in errors_of(SERVICE, {"spec.type": "NodePort", "spec.ports[0].nodePort": 80})[
        "spec.ports[0].nodePort"
    ]  # fmt: skip


def test_a_services_ports_get_their_defaults() -> None:
    spec = validate(SERVICE, "mesh").body["spec"]
    assert spec["ports"] == [{"name": "http", "port": 9080, "protocol": "TCP", "targetPort": 9080}]
    assert (spec["type"], spec["sessionAffinity"]) == ("ClusterIP", "None")


def test_the_cluster_ip_may_not_change() -> None:
    assert "spec.clusterIP: cannot be changed" in updated(
        SERVICE, {"spec.clusterIP": "127.1.200.2"}, {"spec.clusterIP": "127.1.200.1"}
    )[0]  # fmt: skip
    assert updated(SERVICE, {}, {"spec.clusterIP": "127.1.200.1"}) == []
