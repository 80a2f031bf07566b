"""ListenerSet and XMesh: what their schemas refuse, and their defaults."""

from collections.abc import Callable, Mapping
from typing import Any

from mesh.resources.validation.manifest import validate

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
LISTENER_SET: dict[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "ListenerSet",
    "metadata": {"name": "more"},
    "spec": {"parentRef": {"name": "door"}, "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
}
MESH: dict[str, Any] = {
    "apiVersion": "gateway.networking.x-k8s.io/v1alpha1",
    "kind": "XMesh",
    "metadata": {"name": "mesh"},
    "spec": {"controllerName": "meshmall.dev/mesh-controller"},
}


def test_a_listener_set_is_checked_as_a_gateway_s_listeners(errors_of: Errors) -> None:
    assert errors_of(LISTENER_SET, {}) == {}
    assert "spec.listeners" in errors_of(LISTENER_SET, {"spec.listeners": []})
    assert "spec.listeners[0].port" in errors_of(LISTENER_SET, {"spec.listeners[0].port": 70_000})


def test_a_listener_set_s_parent_is_a_gateway() -> None:
    spec = validate(LISTENER_SET, "mesh").body["spec"]
    assert spec["parentRef"] == {"name": "door", "group": "gateway.networking.k8s.io", "kind": "Gateway"}
    assert spec["listeners"][0]["allowedRoutes"] == {"namespaces": {"from": "Same"}}


def test_a_mesh_names_its_controller(errors_of: Errors) -> None:
    assert errors_of(MESH, {}) == {}
    assert "spec.controllerName" in errors_of(MESH, {"spec.controllerName": "nobody"})
