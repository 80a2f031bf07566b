"""The ways into branches as conditions that every proxy knows: they mean what the mesh's own look-up means."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.branches.render.entries import ANY_MEMBER, Condition, entries, member_is
from mesh.resources.meshmall.branch import entry_keys, preview_host
from mesh.routing.explain.branch import branch_entered
from mesh.routing.explain.request import HttpRequest
from mesh.routing.model.table import Entries, Entry
from tests.support.branches import every_entry, stored_branch
from tests.support.cookies import ODD_COOKIES

# The letters run against the names, so that no alphabetical order gives the right answer.
LETTERS = {"ann": "c", "bob": "b", "cyd": "a"}
BRANCHES = [
    stored_branch(name, enter=every_entry(letter), services={"products": {"version": "v2"}})
    for name, letter in LETTERS.items()
]
WAYS = entries(BRANCHES, preview_host)
ALL = Entries(
    tuple(Entry(key, branch.metadata.name, branch.metadata.name) for branch in BRANCHES for key in entry_keys(branch))
)


def fits(condition: Condition, request: HttpRequest) -> bool:
    """Whether a proxy takes the request: exact values, or a pattern for the whole text."""
    text = _part(condition, request)
    if text is None:
        return False
    return bool(re.fullmatch(condition.regex, text, re.ASCII)) if condition.regex else text == condition.exact


def _part(condition: Condition, request: HttpRequest) -> str | None:
    if condition.part == "host":
        return request.authority
    if condition.part == "query":
        pairs = (pair.partition("=") for pair in request.query.split("&"))
        return next((value for name, _, value in pairs if name == condition.name), None)
    if condition.name == "cookie":
        # HTTP/2 splits cookies into lines, which Envoy joins again by a semicolon (RFC 9113, section 8.2.3).
        return "; ".join(request.values("cookie")) or None
    return request.value(condition.name)


def entered(request: HttpRequest) -> str:
    return next((branch for branch, condition in WAYS if fits(condition, request)), "")


letters = st.sampled_from(("a", "b", "c", "d"))
names = st.sampled_from((*LETTERS, "nobody"))
hosts = st.one_of(
    names.map("{}.localhost".format),
    st.sampled_from(("shop.example.com", "A.example.com:8080", "c.example.com", "d.example.com", "B.Example.com")),
)
parameters = st.one_of(
    st.builds("view={}".format, letters),
    st.builds("tab={0}+{0}%2f{0}".format, letters),
    # Not "view" alone: to a proxy's matchers it is an empty value, to the mesh none.
    st.sampled_from(("view=", "q=a", "view=%61", "view=a%62")),
)
pairs = st.builds("{}={}".format, st.sampled_from(("user", "theme", "other", "x,user", " user", "user ")), letters)
members = st.one_of(
    st.builds("{}={}".format, st.sampled_from(("tenant", " tenant ", "tenants", "ten", "other")), letters),
    st.sampled_from(("tenant=%63", "tenant", "tenant;x=1", "", "  ", "tenant = a", "tenant=a;since=1", "branc=ann")),
    st.builds("branch{}{}{}".format, st.sampled_from(("=", " = ", "x=")), names, st.sampled_from(("", ";a=1", " "))),
)
headers = st.one_of(
    st.tuples(st.just("cookie"), st.lists(pairs, min_size=1, max_size=3).map("; ".join)),
    st.tuples(st.sampled_from(("x-dev", "x-team")), letters),
    st.tuples(st.just("baggage"), st.lists(members, min_size=1, max_size=3).map(",".join)),
    st.tuples(st.just("x-branch"), names),
)


@settings(max_examples=600, deadline=None, database=None)
@given(hosts, st.lists(parameters, max_size=3).map("&".join), st.lists(headers, max_size=4, unique_by=lambda h: h[0]))
def test_a_rendered_entry_is_the_mesh_s(host: str, query: str, sent: list[tuple[str, str]]) -> None:
    request = HttpRequest(host, "GET", "/", query, tuple(sent))
    assert entered(request) == branch_entered(ALL, request)


@pytest.mark.parametrize(("cookie", "is_fox"), ODD_COOKIES)
def test_odd_cookies_enter_as_in_the_mesh(cookie: str, is_fox: bool) -> None:
    request = HttpRequest("shop", headers=(("cookie", cookie.replace("fox", "a")),))
    assert entered(request) == ("cyd" if is_fox else "")


@pytest.mark.parametrize(
    ("baggage", "branch"),
    [
        ("branch=ann", "ann"),
        ("a=1,branch=ann", "ann"),
        ("branch=ann,branch=bob", "ann"),
        (" branch = bob ;x=1,branch=ann", "bob"),
        ("branches=ann", ""),
        ("branch=anna", ""),
        ("branch=nobody,branch=ann", ""),
        ("xbranch=bob,branch=ann", "ann"),
        ("bran,ch=bob,branch", ""),
    ],
)
def test_of_several_members_the_first_names_the_branch(baggage: str, branch: str) -> None:
    conditions = {name: member_is(name) for name in LETTERS}
    request = HttpRequest("shop", headers=(("baggage", baggage),))
    assert [name for name, condition in conditions.items() if fits(condition, request)] == ([branch] if branch else [])
    assert fits(ANY_MEMBER, request) is bool(branch or "nobody" in baggage or "anna" in baggage)
