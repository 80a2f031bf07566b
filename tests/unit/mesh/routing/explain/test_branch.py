"""Which branch a request enters; tests/conformance/test_branch_entries.py holds the answers to Envoy's."""

import pytest

from mesh.resources.meshmall.branch import ENTRY_ORDER
from mesh.resources.meshmall.marks import tag_of
from mesh.routing.explain.branch import branch_carried, branch_entered
from mesh.routing.explain.request import HttpRequest
from mesh.routing.model.listener import Source
from mesh.routing.model.table import Entries, Entry, Marks

# One branch for each kind of entry; their names are in the opposite order of the kinds' precedence.
NAMES = dict(zip(ENTRY_ORDER, ("eve", "dan", "cyd", "bob", "ann"), strict=True))
MARKS = Marks(tuple((name, tag_of(b"", name)) for name in ("ann", "bob", "own")))
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
        ((("x-branch", "nobody"), ("baggage", "branch=nobody")), "own"),
    ],
)
def test_inside_the_header_counts_then_baggage_then_whose_pod_it_is(
    headers: tuple[tuple[str, str], ...], branch: str
) -> None:
    source = Source("mesh", "products-own-1", (), branch="own")
    assert branch_carried(MARKS, HttpRequest("stock:7000", headers=headers), source) == branch


@pytest.mark.parametrize(
    "header",
    [
        ("x-request-id", f"5f0c@bob-{tag_of(b'', 'bob')}"),
        ("tracestate", f"a=b, meshmall=bob-{tag_of(b'', 'bob')}.{'ab' * 16}"),
        ("traceparent", f"00-{tag_of(b'', 'bob')}a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("b3", f"{tag_of(b'', 'bob')}a3ce929d0e0e4736-00f067aa0ba902b7"),
        ("x-b3-traceid", f"{tag_of(b'', 'bob')}a3ce929d0e0e4736"),
        ("cookie", f"a=b; meshmall-branch=bob-{tag_of(b'', 'bob')}"),
    ],
)
def test_inside_a_mark_counts_that_this_mesh_has_made_for_a_branch(header: tuple[str, str]) -> None:
    request = HttpRequest("stock:7000", headers=(header,))
    assert branch_carried(MARKS, request, None) == "bob"
    others = Marks(tuple((name, tag_of(b"another mesh", name)) for name, _ in MARKS.tags))
    assert branch_carried(others, request, None) == ""
    assert branch_carried(Marks(), request, None) == ""


def test_two_branches_with_one_tag_are_not_recognised_by_a_trace_id() -> None:
    tag = tag_of(b"", "bob")
    both = Marks((("ann", tag), ("bob", tag)))
    trace = ("x-b3-traceid", f"{tag}a3ce929d0e0e4736")
    assert branch_carried(both, HttpRequest("stock:7000", headers=(trace,)), None) == ""
    named = ("x-request-id", f"x@bob-{tag}")
    assert branch_carried(both, HttpRequest("stock:7000", headers=(named,)), None) == "bob"
