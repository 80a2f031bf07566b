"""Gateway.spec.tls, allowedListeners and addresses: what their schemas refuse, and their defaults."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.unit.mesh.resources.checks.test_gateway_api import GATEWAY

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
AUTHORITY = {"group": "", "kind": "ConfigMap", "name": "ca"}
VALIDATION = {"validation": {"caCertificateRefs": [AUTHORITY]}}
FRONTEND = "spec.tls.frontend"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"spec.tls": {"frontend": {"default": {"validation": {"caCertificateRefs": []}}}}},
            f"{FRONTEND}.default.validation.caCertificateRefs",
        ),
        (
            {"spec.tls": {"frontend": {"default": {}, "perPort": [{"port": 1, "tls": {}}, {"port": 1, "tls": {}}]}}},
            f"{FRONTEND}.perPort",
        ),
        (
            {"spec.tls": {"frontend": {"default": {}, "perPort": [{"port": 0, "tls": VALIDATION}]}}},
            f"{FRONTEND}.perPort[0].port",
        ),
        ({"spec.allowedListeners": {"namespaces": {"from": "Few"}}}, "spec.allowedListeners.namespaces.from"),
        ({"spec.allowedListeners": {"namespaces": {"from": "Selector"}}}, "spec.allowedListeners.namespaces.selector"),
        ({"spec.addresses": [{"value": "127.0.0.9"}, {"value": "127.0.0.9"}]}, "spec.addresses"),
    ],
)
def test_a_gateway_is_refused_by_path(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert path in errors_of(GATEWAY, fields)


def test_defaults_are_those_of_the_schema() -> None:
    spec = {
        **GATEWAY["spec"],
        "allowedListeners": {},
        "tls": {"backend": {"clientCertificateRef": {"name": "own"}}, "frontend": {"default": VALIDATION}},
    }
    stored = validate({**GATEWAY, "spec": spec}, "mesh").body["spec"]
    assert stored["allowedListeners"] == {"namespaces": {"from": "None"}}
    assert stored["tls"]["backend"]["clientCertificateRef"] == {"name": "own", "group": "", "kind": "Secret"}
    assert stored["tls"]["frontend"]["default"]["validation"]["mode"] == "AllowValidOnly"
