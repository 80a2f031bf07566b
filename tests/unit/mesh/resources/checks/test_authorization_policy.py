"""AuthorizationPolicies: a condition that nobody checks would let through what it forbids, so none is ignored."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
POLICY: dict[str, Any] = {
    "apiVersion": "security.istio.io/v1",
    "kind": "AuthorizationPolicy",
    "metadata": {"name": "a"},
    "spec": {"rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}]},
}
R = "spec.rules[0]"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spec.action": "ALOW"}, "spec.action"),
        ({"spec.selector": {"matchLabels": {"a b": "c"}}}, "spec.selector.matchLabels[a b]"),
        ({R: {"from": [{"source": {"ipBlocks": ["10.0.0.0/33"]}}]}}, f"{R}.from[0].source.ipBlocks[0]"),
        ({R: {"from": [{"source": {"notRemoteIpBlocks": ["a"]}}]}}, f"{R}.from[0].source.notRemoteIpBlocks[0]"),
        ({R: {"to": [{"operation": {"ports": ["80", "0"]}}]}}, f"{R}.to[0].operation.ports[1]"),
        ({R: {"to": [{"operation": {"notPorts": ["http"]}}]}}, f"{R}.to[0].operation.notPorts[0]"),
        ({R: {"to": [{"operation": {"paths": ["/a/{*}"]}}]}}, f"{R}.to[0].operation.paths[0]"),
        ({R: {"when": [{"key": "source.colour", "values": ["red"]}]}}, f"{R}.when[0].key"),
        ({R: {"when": [{"key": "source.namespace"}]}}, f"{R}.when[0]"),
        ({R: {"when": [{"key": "source.ip", "values": ["here"]}]}}, f"{R}.when[0].values[0]"),
        ({R: {"when": [{"key": "destination.port", "notValues": ["x"]}]}}, f"{R}.when[0].notValues[0]"),
    ],
)
def test_it_is_refused_by_the_path_of_what_is_wrong(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert list(errors_of(POLICY, fields)) == [path]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"spec": {}},
        {"spec.action": "DENY"},
        {R: {}},
        {R: {"from": [{"source": {"ipBlocks": ["10.0.0.1", "fd00::/8"]}}]}},
        {R: {"when": [{"key": "request.headers[x-team]", "values": ["a*"]}]}},
        {R: {"when": [{"key": "request.auth.claims[realm][roles]", "notValues": ["guest"]}]}},
    ],
)
def test_it_is_accepted_with(errors_of: Errors, fields: dict[str, Any]) -> None:
    assert errors_of(POLICY, fields) == {}
