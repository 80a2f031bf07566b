"""TLSRoute, TCPRoute and UDPRoute: what their schemas refuse, and their defaults."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]


def route(kind: str, version: str = "v1") -> dict[str, Any]:
    spec: dict[str, Any] = {
        "parentRefs": [{"name": "door"}],
        "rules": [{"backendRefs": [{"name": "web", "port": 7000}]}],
    }
    if kind == "TLSRoute":
        spec["hostnames"] = ["a.example.com"]
    return {
        "apiVersion": f"gateway.networking.k8s.io/{version}",
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": spec,
    }


@pytest.mark.parametrize("kind", ["TLSRoute", "TCPRoute", "UDPRoute"])
@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spec.rules": []}, "spec.rules"),
        ({"spec.rules[0].backendRefs": []}, "spec.rules[0].backendRefs"),
        ({"spec.rules[0].backendRefs[0].port": 0}, "spec.rules[0].backendRefs[0]"),
        ({"spec.rules[0].backendRefs[0].weight": -1}, "spec.rules[0].backendRefs[0].weight"),
        ({"spec.parentRefs": [{"name": "a"}, {"name": "a"}]}, "spec.parentRefs[1]"),
    ],
)
def test_a_route_is_refused_by_path(errors_of: Errors, kind: str, fields: dict[str, Any], path: str) -> None:
    assert path in errors_of(route(kind), fields)


@pytest.mark.parametrize("hostnames", [[], ["a b"], ["10.0.0.1"]])
def test_a_tls_route_names_what_clients_ask_for(errors_of: Errors, hostnames: list[str]) -> None:
    assert any(
        path.startswith("spec.hostnames") for path in errors_of(route("TLSRoute"), {"spec.hostnames": hostnames})
    )


@pytest.mark.parametrize("version", ["v1", "v1alpha2"])
def test_defaults_are_those_of_the_schema(version: str) -> None:
    spec = validate(route("TCPRoute", version), "mesh").body["spec"]
    parent = {"name": "door", "group": "gateway.networking.k8s.io", "kind": "Gateway"}
    backend = {"name": "web", "port": 7000, "group": "", "kind": "Service", "weight": 1}
    assert spec == {"parentRefs": [parent], "rules": [{"backendRefs": [backend]}]}
