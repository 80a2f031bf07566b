"""EndpointSlice: what is refused, by its path, what may not change, and its defaults."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.support.objects import updated

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "web-1"},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.1.1.1"]}],
    "ports": [{"port": 80}],
}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"addressType": "MAC"}, "addressType"),
        ({"endpoints[0].addresses": ["x"]}, "endpoints[0].addresses[0]"),
        ({"endpoints[0].addresses": ["::1"]}, "endpoints[0].addresses[0]"),
        ({"endpoints[0].addresses": []}, "endpoints[0].addresses"),
        ({"ports": [{"port": 1}, {"port": 2}]}, "ports[1].name"),
    ],
)
def test_it_is_refused_by_its_path(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert path in errors_of(SLICE, fields)


def test_a_process_of_the_machine_can_be_an_endpoint(errors_of: Errors) -> None:
    assert errors_of(SLICE, {"endpoints[0].addresses": ["127.0.0.1"]}) == {}


def test_the_type_of_the_addresses_stays() -> None:
    assert "addressType: cannot be changed" in updated(SLICE, {"addressType": "FQDN", "endpoints": []})[0]


def test_a_slice_gets_its_defaults() -> None:
    body = validate(SLICE, "mesh").body
    assert body["ports"] == [{"port": 80, "name": "", "protocol": "TCP"}]
    assert body["endpoints"][0]["conditions"] == {}
