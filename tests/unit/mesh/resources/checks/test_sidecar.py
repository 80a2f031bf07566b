"""Sidecars: hosts as "namespace/host", for whole namespaces."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
SIDECAR: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Sidecar",
    "metadata": {"name": "default"},
    "spec": {"egress": [{"hosts": ["./*", "~/*", "*/api.example.com", "shop/*.shop.svc.cluster.local"]}]},
}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"spec.egress[0].hosts": []}, "spec.egress[0].hosts"),
        ({"spec.egress[0].hosts": ["./*", "products"]}, "spec.egress[0].hosts[1]"),
        ({"spec.egress[0].hosts": ["a b/*"]}, "spec.egress[0].hosts[0]"),
        ({"spec.egress[0].hosts": ["./a b"]}, "spec.egress[0].hosts[0]"),
        ({"spec.outboundTrafficPolicy": {"mode": "ANY"}}, "spec.outboundTrafficPolicy.mode"),
    ],
)
def test_it_is_refused_by_the_path_of_what_is_wrong(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert list(errors_of(SIDECAR, fields)) == [path]


def test_a_good_one_is_accepted(errors_of: Errors) -> None:
    assert errors_of(SIDECAR, {"spec.outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}) == {}
