"""Which branch a request enters; tests/conformance/test_branch_entries.py holds the answers to Envoy's."""

import pytest

from mesh.resources.meshmall.branch import ENTRY_ORDER
from mesh.routing.explain.branch import branch_carried, branch_entered
from mesh.routing.explain.request import HttpRequest
from mesh.routing.model.listener import Source
from mesh.routing.model.table import Entries, Entry

# One branch for each kind of entry; their names are in the opposite order of the kinds' precedence.
NAMES = dict(zip(ENTRY_ORDER, ("eve", "dan", "cyd", "bob", "ann"), strict=True))
KEYS = {
    "host": "host:shop.example.com",
    "query": "query:view=new",
    "header": "header:x-dev=yes",
    "baggage": "baggage:tenant=7",
    "cookie": "cookie:user=fox",
}
ENTRIES = Entries(
    tuple(sorted((Entry(KEYS[kind], name, name) for kind, name in NAMES.items()), key=lambda e: e.branch))
)


def fitting(kinds: tuple[str, ...]) -> HttpRequest:
    """A request that fits the entries of these kinds."""
    headers = {
        "header": ("x-dev", "yes"),
        "baggage": ("baggage", "a=b, tenant=7;p=1"),
        "cookie": ("cookie", "user=fox"),
    }
    return HttpRequest(
        "Shop.example.com:8080" if "host" in kinds else "other.example.com",
        query="q=1&view=new" if "query" in kinds else "",
        headers=tuple(pair for kind, pair in headers.items() if kind in kinds),
    )


@pytest.mark.parametrize("first", range(len(ENTRY_ORDER)))
def test_the_kind_of_the_entry_decides_and_not_the_name(first: int) -> None:
    assert branch_entered(ENTRIES, fitting(ENTRY_ORDER[first:])) == NAMES[ENTRY_ORDER[first]]


def test_a_branch_is_entered_by_its_name_too() -> None:
    entries = Entries((Entry("baggage:branch=fox", "fox", "fox"), Entry("host:fox.localhost", "fox", "fox")))
    assert branch_entered(entries, HttpRequest("fox.localhost:8080")) == "fox"
    assert branch_entered(entries, HttpRequest("shop", headers=(("baggage", "branch=fox"),))) == "fox"
    assert branch_entered(entries, HttpRequest("nobody.localhost")) == ""
    # Nobody outside may write the mesh's own header.
    assert branch_entered(entries, HttpRequest("shop", headers=(("x-branch", "fox"),))) == ""


@pytest.mark.parametrize(
    ("headers", "branch"),
    [
        ((("x-branch", "ann"), ("baggage", "branch=bob")), "ann"),
        ((("baggage", "a=1, branch = bob;p=1"),), "bob"),
        ((("baggage", "tenant=7"),), "own"),
        ((), "own"),
    ],
)
def test_inside_the_header_counts_then_baggage_then_whose_pod_it_is(
    headers: tuple[tuple[str, str], ...], branch: str
) -> None:
    source = Source("mesh", "products-own-1", (), branch="own")
    assert branch_carried(HttpRequest("stock:7000", headers=headers), source) == branch
