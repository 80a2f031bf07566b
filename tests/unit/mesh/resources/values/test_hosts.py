"""Hosts: short names, full names, wildcards."""

import pytest

from mesh.resources.values.hosts import aliases, covers, resolve


def test_a_short_host_is_of_the_rules_namespace() -> None:
    assert resolve("products", "mesh") == "products.mesh.svc.cluster.local"
    assert resolve("Products", "mesh") == "products.mesh.svc.cluster.local"
    assert resolve("shop.example.com", "mesh") == "shop.example.com"
    assert resolve("*.example.com", "mesh") == "*.example.com"
    assert aliases("products", "mesh", "mesh")[0] == "products"
    assert aliases("products", "mesh", "other")[0] == "products.mesh"


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*", "a", True),
        ("*.example.com", "x.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.com", "*.example.com", True),
        ("a.com", "b.com", False),
    ],
)
def test_a_wildcard_covers_what_ends_like_it(pattern: str, host: str, expected: bool) -> None:
    assert covers(pattern, host) is expected
