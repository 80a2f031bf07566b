"""Ingress and IngressClass: what is refused, by its path, and their defaults."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.support.objects import updated

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
NETWORKING = "networking.k8s.io/v1"
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
RULE = {"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}
INGRESS: dict[str, Any] = {
    "apiVersion": NETWORKING,
    "kind": "Ingress",
    "metadata": {"name": "web"},
    "spec": {"rules": [RULE]},
}
CLASS: dict[str, Any] = {
    "apiVersion": NETWORKING,
    "kind": "IngressClass",
    "metadata": {"name": "web"},
    "spec": {"controller": "example.com/ingress"},
}
PATH = "spec.rules[0].http.paths[0]"


@pytest.mark.parametrize(
    ("body", "fields", "path"),
    [
        (INGRESS, {"spec": {}}, "spec"),
        (INGRESS, {"spec.rules[0].host": "A_"}, "spec.rules[0].host"),
        (INGRESS, {"spec.rules[0].host": "10.0.0.1"}, "spec.rules[0].host"),
        (INGRESS, {f"{PATH}.pathType": ""}, f"{PATH}.pathType"),
        (INGRESS, {f"{PATH}.pathType": "Regex"}, f"{PATH}.pathType"),
        (INGRESS, {f"{PATH}.path": "a"}, f"{PATH}.path"),
        (INGRESS, {f"{PATH}.path": "/a//b"}, f"{PATH}.path"),
        (INGRESS, {f"{PATH}.backend.service.port": {"number": 80, "name": "a"}}, f"{PATH}.backend"),
        (INGRESS, {f"{PATH}.backend.service.port": {}}, f"{PATH}.backend"),
        (INGRESS, {"spec.tls": [{"hosts": ["a b"]}]}, "spec.tls[0].hosts[0]"),
        (CLASS, {"spec.controller": "x"}, "spec.controller"),
        (CLASS, {"spec.controller": ""}, "spec.controller"),
    ],
)
def test_it_is_refused_by_its_path(errors_of: Errors, body: dict[str, Any], fields: dict[str, Any], path: str) -> None:
    assert path in errors_of(body, fields)


@pytest.mark.parametrize("body", [INGRESS, CLASS])
def test_what_is_well_formed_is_taken(errors_of: Errors, body: dict[str, Any]) -> None:
    assert errors_of(body, {}) == {}


def test_the_controller_of_a_class_stays() -> None:
    assert "spec.controller: cannot be changed" in updated(CLASS, {"spec.controller": "a.b/c"})[0]


def test_a_class_of_another_controller_is_stored_with_a_warning() -> None:
    other = {**INGRESS, "spec": {**INGRESS["spec"], "ingressClassName": "nginx"}}
    (warning,) = validate(other, "mesh").warnings
    assert "spec.ingressClassName" in warning
