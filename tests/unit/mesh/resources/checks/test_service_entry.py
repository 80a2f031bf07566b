"""ServiceEntries: what Istio's webhook refuses, and what would need the caller's own name resolution."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
PORT = {"number": 80, "name": "http", "protocol": "HTTP"}
ENTRY: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "ServiceEntry",
    "metadata": {"name": "a"},
    "spec": {
        "hosts": ["api.example.com"],
        "ports": [PORT],
        "resolution": "STATIC",
        "endpoints": [{"address": "10.0.0.1"}],
    },
}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spec.hosts": []}, "spec.hosts"),
        ({"spec.hosts": ["a b"]}, "spec.hosts[0]"),
        ({"spec.hosts": ["*"]}, "spec.hosts[0]"),
        ({"spec.ports[0].number": 70000}, "spec.ports[0].number"),
        ({"spec.ports[0].targetPort": 70000}, "spec.ports[0].targetPort"),
        ({"spec.ports[0].name": ""}, "spec.ports[0].name"),
        ({"spec.ports[0].protocol": "HTPT"}, "spec.ports[0].protocol"),
        ({"spec.ports": [PORT, {**PORT, "name": "again"}]}, "spec.ports"),
        ({"spec.resolution": "MAYBE"}, "spec.resolution"),
        ({"spec.location": "MOON"}, "spec.location"),
        ({"spec.endpoints": []}, "spec.endpoints"),
        ({"spec.resolution": "NONE"}, "spec.endpoints"),
        ({"spec.endpoints[0].address": "b.example.com"}, "spec.endpoints[0].address"),
        ({"spec.endpoints[0].ports": {"https": 1}}, "spec.endpoints[0].ports[https]"),
        ({"spec.endpoints[0].ports": {"http": 0}}, "spec.endpoints[0].ports[http]"),
        ({"spec.workloadSelector": {"labels": {"app": "a"}}}, "spec.endpoints"),
    ],
)
def test_it_is_refused_by_the_path_of_what_is_wrong(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert list(errors_of(ENTRY, fields)) == [path]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"spec.resolution": "DNS", "spec.endpoints": []},
        {"spec.resolution": "DNS", "spec.endpoints[0].address": "b.example.com"},
        {"spec.resolution": "NONE", "spec.endpoints": []},
        {"spec.endpoints[0].ports": {"http": 8080}},
        {"spec.endpoints": [], "spec.workloadSelector": {"labels": {"app": "a"}}},
    ],
)
def test_it_is_accepted_with(errors_of: Errors, fields: dict[str, Any]) -> None:
    assert errors_of(ENTRY, fields) == {}
