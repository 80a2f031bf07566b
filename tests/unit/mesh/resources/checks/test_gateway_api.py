"""The Gateway API's kinds: what their schemas refuse, and what the mesh does not serve."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
API = "gateway.networking.k8s.io/v1"
GATEWAY: dict[str, Any] = {
    "apiVersion": API,
    "kind": "Gateway",
    "metadata": {"name": "door"},
    "spec": {"gatewayClassName": "meshmall", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
}
ROUTE: dict[str, Any] = {
    "apiVersion": API,
    "kind": "HTTPRoute",
    "metadata": {"name": "web"},
    "spec": {
        "parentRefs": [{"name": "door"}],
        "rules": [{"backendRefs": [{"name": "web", "port": 7000}]}],
    },
}
R = "spec.rules[0]"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spec.listeners": []}, "spec.listeners"),
        ({"spec.listeners[0].port": 0}, "spec.listeners[0].port"),
        ({"spec.listeners[0].name": "A B"}, "spec.listeners[0].name"),
        ({"spec.listeners[0].hostname": "a b"}, "spec.listeners[0].hostname"),
    ],
)
def test_a_gateway_is_refused_by_path(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert path in errors_of(GATEWAY, fields)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({f"{R}.matches": [{"path": {"type": "Exact", "value": "a"}}]}, f"{R}.matches[0].path"),
        ({f"{R}.matches": [{"method": "FETCH"}]}, f"{R}.matches[0].method"),
        ({f"{R}.matches": [{"headers": [{"name": "a b", "value": "1"}]}]}, f"{R}.matches[0].headers[0].name"),
        ({f"{R}.backendRefs[0].weight": -1}, f"{R}.backendRefs[0].weight"),
        ({f"{R}.timeouts": {"request": "5"}}, f"{R}.timeouts.request"),
        ({f"{R}.filters": [{"type": "Unheard"}]}, f"{R}.filters[0].type"),
    ],
)
def test_a_route_is_refused_by_path(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert path in errors_of(ROUTE, fields)


def test_good_ones_are_accepted(errors_of: Errors) -> None:
    assert errors_of(GATEWAY, {}) == {}
    assert errors_of(ROUTE, {}) == {}
    assert errors_of(ROUTE, {f"{R}.filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "a.com"}}]}) == {}
