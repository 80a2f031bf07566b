"""Gateways: what Istio's webhook refuses is refused here, by its path."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.support.smallest import GATEWAY

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"spec.servers": []}, "spec.servers", "is empty"),
        ({"spec.servers[0].port.number": 0}, "spec.servers[0].port.number", "is not a port"),
        ({"spec.servers[0].port.name": ""}, "spec.servers[0].port.name", "is missing"),
        ({"spec.servers[0].port.protocol": "HTPP"}, "spec.servers[0].port.protocol", "is not a protocol"),
        ({"spec.servers[0].port.protocol": "MONGO"}, "spec.servers[0].port.protocol", "is not supported"),
        ({"spec.servers[0].port.protocol": "HTTPS"}, "spec.servers[0].tls", "is missing"),
        ({"spec.servers[0].tls": {"mode": "SIMPLE"}}, "spec.servers[0].tls", "cannot be used with protocol HTTP"),
        ({"spec.servers[0].hosts": []}, "spec.servers[0].hosts", "is empty"),
        ({"spec.servers[0].hosts": ["A B/*"]}, "spec.servers[0].hosts[0]", "is not a namespace"),
        ({"spec.servers": GATEWAY["spec"]["servers"] * 2}, "spec.servers[1].port.name", "duplicate"),
    ],
)
def test_a_gateway_is_refused_for(errors_of: Errors, fields: dict[str, Any], path: str, says: str) -> None:
    found = errors_of(GATEWAY, fields)
    assert says in found.get(path, ""), found


def test_a_gateway_may_name_namespaces(errors_of: Errors) -> None:
    assert errors_of(GATEWAY, {"spec.servers[0].hosts": ["./*", "*/a.example.com", "mesh/*.example.com"]}) == {}
