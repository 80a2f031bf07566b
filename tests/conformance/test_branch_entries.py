"""Which branch a request enters: drawn requests, and what Envoy's scripts and the dry run say of them.

The branches share the names of cookies, headers, query parameters and baggage members: many requests fit several.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh.resources.meshmall.marks import tag_of
from mesh.routing.explain.dry_run import Caller, decide
from mesh.routing.explain.request import HttpRequest
from tests.conformance.reference import Request
from tests.conformance.rig import Rig, istio
from tests.support.branches import every_entry
from tests.support.cookies import ODD_COOKIES

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]
# The letters run against the names, so that no alphabetical order gives the right answer.
LETTERS = {"ann": "c", "bob": "b", "cyd": "a"}
SHOP = "shop.example.com"


def branch(name: str, letter: str) -> Json:
    return {
        "apiVersion": "meshmall.dev/v1",
        "kind": "Branch",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {"enter": every_entry(letter), "services": {"shop": {"version": "v2"}}},
    }


@pytest.fixture(scope="module")
def branches(rig: Rig, runner: asyncio.Runner) -> Rig:
    to_shop = {"route": [{"destination": {"host": "shop"}}]}
    rule = istio("VirtualService", "shop", {"hosts": ["*"], "gateways": ["mesh/door"], "http": [to_shop]})
    objects = [*rig.around(), rule, *(branch(name, letter) for name, letter in LETTERS.items())]
    runner.run(rig.apply(objects))
    return rig


def from_outside(rig: Rig, runner: asyncio.Runner, host: str, query: str, headers: Headers) -> tuple[str, str]:
    """The branch of a request at the gateway: as Envoy says it in the answer, and as the dry run does."""
    request = Request("mesh/door", host, 80, "GET", "/", query, headers, authority=host)
    _, observed = runner.run(rig.ask(request, "gateway"))
    question = HttpRequest(host, "GET", "/", query, _lower(headers))
    decision = decide(rig.snapshot, Caller(rig.snapshot.listeners["gateway|80"]), question)
    return observed.headers.get("x-branch", ""), decision.branch


def inside(rig: Rig, runner: asyncio.Runner, caller: str, headers: Headers) -> tuple[str, str]:
    """The branch of a pod's request: as the called pod sees it, and as the dry run says it."""
    request = Request("mesh", "shop", 7000, "GET", "/", "", headers, authority="shop:7000")
    _, observed = runner.run(rig.ask(request, caller))
    listener = rig.snapshot.listeners[f"sidecar|mesh/{caller}"]
    question = HttpRequest("shop:7000", "GET", "/", "", _lower(headers))
    decision = decide(rig.snapshot, Caller(listener, listener.source), question)
    branch = observed.sent.get("x-branch", "")
    return branch if branch in LETTERS else "", decision.branch


def _lower(headers: Headers) -> Headers:
    return tuple((name.lower(), value) for name, value in headers)


@pytest.mark.parametrize("first", range(5))
def test_host_then_query_then_header_then_baggage_then_cookie(
    branches: Rig, runner: asyncio.Runner, first: int
) -> None:
    """Of a request that fits a branch by each kind from the first on, the first decides, whatever the names are."""
    names = ("ann", "bob", "cyd", "ann", "bob")
    host, query, *texts = (LETTERS[name] for name in names)
    values: Headers = (("x-dev", texts[0]), ("baggage", f"tenant={texts[1]}"), ("cookie", f"user={texts[2]}"))
    entered = from_outside(
        branches,
        runner,
        f"{host}.example.com" if first == 0 else SHOP,
        f"view={query}" if first <= 1 else "",
        values[max(0, first - 2) :],
    )
    assert entered == (names[first], names[first])


@pytest.mark.parametrize(("cookie", "is_fox"), ODD_COOKIES)
def test_a_comma_in_a_cookie_s_value_begins_no_cookie(
    branches: Rig, runner: asyncio.Runner, cookie: str, is_fox: bool
) -> None:
    """One meaning of cookies for Envoy's script, the dry run and what is rendered for a cluster."""
    expected = "cyd" if is_fox else ""
    cookie = cookie.replace("fox", "a")
    assert from_outside(branches, runner, SHOP, "", (("cookie", cookie),)) == (expected, expected)


def test_several_cookie_lines_are_one_list(branches: Rig, runner: asyncio.Runner) -> None:
    lines = (("cookie", "prefs=x,"), ("cookie", "user=a"), ("cookie", "user=b"))
    assert from_outside(branches, runner, SHOP, "", lines) == ("cyd", "cyd")


letters = st.sampled_from(("a", "b", "c", "d", "b c"))
names = st.sampled_from((*LETTERS, "nobody"))
hosts = st.one_of(
    st.just(SHOP),
    names.map("{}.localhost".format),
    st.sampled_from(("A.example.com:8080", "c.example.com", "d.example.com", "localhost")),
)
parameters = st.one_of(
    st.builds("view={}".format, st.sampled_from("abcd")),
    st.builds("tab={0}+{0}%2f{0}".format, st.sampled_from("abcd")),
    st.sampled_from(("view", "view=", "q=a", "view=%61")),
)
pairs = st.builds("{}={}".format, st.sampled_from(("user", "theme", "other", "x,user", " user", "user ")), letters)
members = st.one_of(
    st.builds(
        "{}={}".format, st.sampled_from(("tenant", " tenant ", "other")), st.sampled_from(("a", "b", "%63", "d"))
    ),
    st.builds("branch{}{}{}".format, st.sampled_from(("=", " = ")), names, st.sampled_from(("", ";since=1", " "))),
)
outside_headers = st.one_of(
    st.tuples(
        st.just("cookie"),
        st.builds(str.join, st.sampled_from(("; ", ";", ",")), st.lists(pairs, min_size=1, max_size=3)),
    ),
    st.tuples(st.sampled_from(("X-Dev", "x-team")), letters),
    st.tuples(st.just("baggage"), st.lists(members, min_size=1, max_size=3).map(",".join)),
    st.tuples(st.just("x-branch"), names),
)
TAGS = {name: tag_of(b"", name) for name in (*LETTERS, "nobody")}
tags = st.one_of(names.map(TAGS.__getitem__), st.sampled_from(("b7a9c40000000000", "0123456789abcdef")))
marks = st.one_of(names.map(lambda name: f"{name}-{TAGS[name]}"), st.builds("{}-{}".format, names, tags))
traces = st.builds("{}{}".format, tags, st.sampled_from(("a3ce929d0e0e4736", "A3CE929D0E0E4736", "a3ce")))
marked_headers = st.one_of(
    st.tuples(st.just("x-request-id"), st.builds("{}@{}".format, st.sampled_from(("", "x", "x@y")), marks)),
    st.tuples(
        st.just("tracestate"),
        st.builds(
            "{}meshmall{}{}{}".format,
            st.sampled_from(("", "a=b,", " ")),
            st.sampled_from(("=", " =")),
            marks,
            st.sampled_from(("", ".0af7651916cd43dd8448eb211c80319c", "x", ",c=d")),
        ),
    ),
    st.tuples(
        st.just("traceparent"),
        st.builds(
            "{}-{}-{}-01{}".format,
            st.sampled_from(("00", "01", "ff")),
            traces,
            st.sampled_from(("b7ad6b7169203331", "0000000000000000", "b7")),
            st.sampled_from(("", "-x", "x")),
        ),
    ),
    st.tuples(
        st.just("b3"),
        st.builds("{}{}".format, traces, st.sampled_from(("-b7ad6b7169203331-1", "-b7ad6b7169203331", ""))),
    ),
    st.tuples(st.just("x-b3-traceid"), traces),
    st.tuples(
        st.just("cookie"), st.builds("a=b; meshmall-branch={}{}".format, marks, st.sampled_from(("", "; c=d", "x")))
    ),
)
inside_headers = st.one_of(
    marked_headers,
    st.tuples(st.just("baggage"), st.lists(members, min_size=1, max_size=3).map(",".join)),
    st.tuples(st.just("x-branch"), names),
)
drawn = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@drawn
@given(hosts, st.lists(parameters, max_size=3).map("&".join), st.lists(outside_headers, max_size=4).map(tuple))
def test_the_dry_run_and_envoy_s_script_enter_the_same_branch(
    branches: Rig, runner: asyncio.Runner, host: str, query: str, headers: Headers
) -> None:
    by_envoy, by_dry_run = from_outside(branches, runner, host, query, headers)
    assert by_dry_run == by_envoy


@drawn
@given(st.sampled_from(("caller", "dev")), st.lists(inside_headers, max_size=3).map(tuple))
def test_the_dry_run_and_envoy_s_script_stay_in_the_same_branch(
    branches: Rig, runner: asyncio.Runner, caller: str, headers: Headers
) -> None:
    by_envoy, by_dry_run = inside(branches, runner, caller, headers)
    assert by_dry_run == by_envoy
