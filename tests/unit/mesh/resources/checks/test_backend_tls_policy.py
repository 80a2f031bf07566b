"""BackendTLSPolicy: what its schema refuses."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
TARGET = {"group": "", "kind": "Service", "name": "web"}
POLICY: dict[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "BackendTLSPolicy",
    "metadata": {"name": "web"},
    "spec": {
        "targetRefs": [TARGET],
        "validation": {"hostname": "web.example.com", "wellKnownCACertificates": "System"},
    },
}
NAMES = "spec.validation.subjectAltNames"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spec.targetRefs": []}, "spec.targetRefs"),
        ({"spec.targetRefs": [TARGET, {**TARGET, "sectionName": "a"}]}, "spec.targetRefs"),
        ({"spec.validation.hostname": "*.example.com"}, "spec.validation.hostname"),
        ({"spec.validation": {"hostname": "a.example.com"}}, "spec.validation"),
        (
            {"spec.validation.caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]},
            "spec.validation",
        ),
        ({NAMES: [{"type": "URI", "hostname": "a"}]}, f"{NAMES}[0]"),
        ({NAMES: [{"type": "Email", "uri": "a:b"}]}, f"{NAMES}[0].type"),
    ],
)
def test_a_policy_is_refused_by_path(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert path in errors_of(POLICY, fields)


def test_good_ones_are_accepted(errors_of: Errors) -> None:
    two = [{**TARGET, "sectionName": "a"}, {**TARGET, "sectionName": "b"}]
    names = [{"type": "Hostname", "hostname": "a.example.com"}, {"type": "URI", "uri": "spiffe://a/b"}]
    assert errors_of(POLICY, {}) == {}
    assert errors_of(POLICY, {"spec.targetRefs": two, NAMES: names}) == {}
