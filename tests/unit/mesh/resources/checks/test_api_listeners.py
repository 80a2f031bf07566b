"""Listeners of Gateways and ListenerSets: what their schemas refuse."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
TLS = {"mode": "Terminate", "certificateRefs": [{"name": "certificate"}]}


def gateway(*listeners: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "door"},
        "spec": {
            "gatewayClassName": "meshmall",
            "listeners": [{"name": "one", "port": 9000, **listener} for listener in listeners],
        },
    }


@pytest.mark.parametrize(
    ("listener", "path"),
    [
        ({"protocol": "TCP", "hostname": "a.example.com"}, "spec.listeners"),
        ({"protocol": "UDP", "tls": TLS}, "spec.listeners"),
        ({"protocol": "HTTPS"}, "spec.listeners[0].tls"),
        ({"protocol": "HTTPS", "tls": {"mode": "Passthrough"}}, "spec.listeners"),
        ({"protocol": "TLS"}, "spec.listeners"),
        ({"protocol": "TLS", "tls": {"mode": "Terminate"}}, "spec.listeners[0].tls"),
        ({"protocol": "TLS", "tls": {"mode": "Both"}}, "spec.listeners[0].tls.mode"),
    ],
)
def test_what_a_protocol_cannot_have(errors_of: Errors, listener: dict[str, Any], path: str) -> None:
    assert path in errors_of(gateway(listener), {})


@pytest.mark.parametrize(
    "listener",
    [
        {"protocol": "TCP"},
        {"protocol": "UDP"},
        {"protocol": "TLS", "hostname": "a.example.com", "tls": {"mode": "Passthrough"}},
        {"protocol": "TLS", "tls": TLS},
    ],
)
def test_streams_and_datagrams_are_accepted(errors_of: Errors, listener: dict[str, Any]) -> None:
    assert errors_of(gateway(listener), {}) == {}


def test_two_listeners_must_differ(errors_of: Errors) -> None:
    twice = errors_of(gateway({"protocol": "TCP"}, {"protocol": "TCP", "name": "two"}), {})
    assert "two have the same port, protocol and hostname" in twice["spec.listeners"]
    assert errors_of(gateway({"protocol": "TCP"}, {"protocol": "UDP", "name": "two"}), {}) == {}
