"""NO_PROXY as curl and Python's requests read it, with networks."""

import pytest

from mall.kit.client.no_proxy import is_direct


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("products", "", False),
        ("products", "*", True),
        ("products", "sales,products", True),
        ("products", "sales, PRODUCTS ", True),
        ("products.mesh", "mesh", True),
        ("products.mesh", ".mesh", True),
        ("products.mesh", "*.mesh", True),
        ("products.othermesh", "mesh", False),
        ("products", "products:7000", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.3.0.1", "127.0.0.0/8", True),
        ("10.0.0.1", "127.0.0.0/8", False),
        ("10.0.0.1", "0.0.1", False),
        ("::1", "::1", True),
        ("products", "10.0.0.0/8", False),
    ],
)
def test_which_hosts_are_direct(host: str, no_proxy: str, direct: bool) -> None:
    assert is_direct(host, no_proxy) is direct
