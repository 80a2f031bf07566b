"""Every part of a route that can be encoded, seen from outside through a real Envoy."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mesh.envoy.data_plane import DataPlane
from mesh.routing.hosts.mesh import TUNNELS
from mesh.routing.model.listener import Role, Source
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.model.route import (
    Cors,
    Fault,
    Forward,
    HeaderChange,
    HeaderChanges,
    Redirect,
    Respond,
    Retry,
    Rewrite,
    Route,
    WeightedCluster,
)
from tests.support.data_plane import Backend, Place, listener, row, snapshot, table, to
from tests.support.http import Answer, ask, read_head, read_message
from tests.support.waiting import eventually

Start = Callable[[str], Any]
JASON = r"^(.*;\s*)?user=jason(;.*)?$"


class Door:
    """A gateway with backends `a` and `b`, each a cluster of its own name."""

    def __init__(self, plane: DataPlane, place: Place, a: Backend, b: Backend) -> None:
        self.plane, self.a, self.b = plane, a, b
        self.listener = listener(place)

    async def routes(self, *rows: Route) -> None:
        pods = {"a": [self.a], "b": [self.b], "both": [self.a, self.b], "nobody": []}
        assert not await self.plane.apply(snapshot([self.listener], [table(*rows)], pods))

    async def ask(self, target: str = "/", method: str = "GET", **headers: str) -> Answer:
        return await ask(self.listener.address, self.listener.port, target, method, **headers)

    async def who(self, target: str = "/", **headers: str) -> str:
        return str((await self.ask(target, **headers)).sent["who"])


@pytest.fixture
async def door(plane: DataPlane, place: Place, backend: Start) -> Door:
    return Door(plane, place, await backend("a"), await backend("b"))


def header(name: str, how: MatchKind, value: str = "", *, invert: bool = False, ignore_case: bool = False) -> Match:
    return Match(headers=(FieldMatch(name, Pattern(how, value, ignore_case), invert),))


def path(how: MatchKind, value: str, *, ignore_case: bool = False) -> Match:
    return Match(path=Pattern(how, value, ignore_case))


@pytest.mark.parametrize(
    ("match", "taken", "left"),
    [
        (path(MatchKind.EXACT, "/x"), ["/x", "/x?q=1"], ["/x/", "/X", "/"]),
        (path(MatchKind.EXACT, "/x", ignore_case=True), ["/x", "/X"], ["/x/"]),
        (path(MatchKind.PREFIX, "/x"), ["/x", "/x/y", "/xy"], ["/y", "/X"]),
        (path(MatchKind.REGEX, "/v[0-9]+"), ["/v1", "/v22", "/v1?q"], ["/v1/x", "/x/v1", "/v"]),
        (Match(query=(FieldMatch("q", Pattern(MatchKind.EXACT, "1")),)), ["/?q=1", "/?a&q=1"], ["/?q=11", "/?q", "/"]),
        (Match(query=(FieldMatch("q", Pattern(MatchKind.PRESENT)),)), ["/?q=1", "/?q"], ["/?qq=1", "/"]),
        (Match(query=(FieldMatch("q", Pattern(MatchKind.REGEX, "a+")),)), ["/?q=aa"], ["/?q=ab", "/"]),
    ],
)
async def test_a_match_on_the_target(door: Door, match: Match, taken: list[str], left: list[str]) -> None:
    await door.routes(row(to("a"), match), row(to("b")))
    assert [await door.who(target) for target in taken] == ["a"] * len(taken)
    assert [await door.who(target) for target in left] == ["b"] * len(left)


@pytest.mark.parametrize(
    ("match", "taken", "left"),
    [
        (header("x", MatchKind.EXACT, "1"), [{"x": "1"}], [{"x": "11"}, {"x": ""}, {}]),
        (header("x", MatchKind.EXACT, "ab", ignore_case=True), [{"x": "aB"}], [{"x": "abc"}]),
        (header("x", MatchKind.PREFIX, "1"), [{"x": "1"}, {"x": "12"}], [{"x": "21"}, {}]),
        (header("x", MatchKind.PRESENT), [{"x": "1"}, {"x": ""}], [{}]),
        (header("x", MatchKind.REGEX, "a.c"), [{"x": "abc"}], [{"x": "abcd"}, {"x": "xabc"}, {}]),
        (header("x", MatchKind.EXACT, "1", invert=True), [{}, {"x": "2"}], [{"x": "1"}]),
        (header("x", MatchKind.REGEX, "1.*", invert=True), [{}, {"x": "2"}], [{"x": "12"}]),
        (header("x", MatchKind.PRESENT, invert=True), [{}], [{"x": "1"}]),
        (header(":authority", MatchKind.EXACT, "shop"), [{"host": "shop"}], [{"host": "other"}]),
        (
            header("cookie", MatchKind.REGEX, JASON),
            [{"cookie": "user=jason"}, {"cookie": "a=1; user=jason"}, {"cookie": "user=jason; b=2"}],
            [{"cookie": "superuser=jason"}, {"cookie": "user=jasonx"}, {"cookie": "a=user=jason"}, {}],
        ),
    ],
)
async def test_a_match_on_a_header(
    door: Door, match: Match, taken: list[dict[str, str]], left: list[dict[str, str]]
) -> None:
    await door.routes(row(to("a"), match), row(to("b")))
    assert [await door.who(**headers) for headers in taken] == ["a"] * len(taken)
    assert [await door.who(**headers) for headers in left] == ["b"] * len(left)


async def test_a_match_on_the_method(door: Door) -> None:
    await door.routes(row(to("a"), header(":method", MatchKind.EXACT, "DELETE")), row(to("b")))
    assert (await door.ask(method="DELETE")).sent["who"] == "a"
    assert (await door.ask(method="GET")).sent["who"] == "b"


async def test_a_long_alternative_of_names_is_a_regex_like_any_other(door: Door) -> None:
    names = "|".join(f"branch-{number}" for number in range(150))
    await door.routes(row(to("a"), header("x", MatchKind.REGEX, names)), row(to("b")))
    assert (await door.who(x="branch-149"), await door.who(x="branch-150")) == ("a", "b")


async def test_one_table_knows_each_pod_by_its_listener(plane: DataPlane, place: Place, backend: Start) -> None:
    a, b = await backend("a"), await backend("b")
    labels = {"one": (("app", "products"), ("version", "v2")), "two": (("app", "products"), ("version", "v22"))}
    doors = {
        name: listener(place, Role.SIDECAR, name, source=Source("mesh", name, pairs)) for name, pairs in labels.items()
    }
    doors["other"] = listener(place, Role.SIDECAR, "other", source=Source("elsewhere", "x", (("version", "v2"),)))
    rows = [
        row(to("a"), Match(source_labels=(("app", "products"), ("version", "v2")))),
        row(Respond(418), Match(source_namespace="elsewhere")),
        row(to("b")),
    ]
    assert not await plane.apply(snapshot(doors, [table(*rows)], {"a": [a], "b": [b]}))
    answers = {name: await ask(each.address, each.port) for name, each in doors.items()}
    assert answers["one"].sent["who"] == "a"
    assert answers["two"].sent["who"] == "b"
    assert answers["other"].status == 418


async def test_a_pod_calls_through_its_proxy_listener_in_absolute_form(
    plane: DataPlane, place: Place, backend: Start
) -> None:
    side = listener(place, Role.SIDECAR)
    pods = {"a": [await backend("a")]}
    await plane.apply(snapshot([side], [table(row(to("a")), domains=("products", "products:7000"))], pods))
    found = await ask(side.address, side.port, "http://products:7000/list?ids=1", host="wrong")
    assert (found.sent["target"], found.sent["headers"]["host"]) == ("/list?ids=1", "products:7000")
    assert (await ask(side.address, side.port, "http://nobody:7000/")).status == 404


async def test_a_tunnel_through_a_proxy_leads_back_to_it(plane: DataPlane, place: Place, backend: Start) -> None:
    """So the requests in it meet the rules, and come from the same pod."""
    labels = (("app", "client"),)
    side = listener(place, Role.SIDECAR, source=Source("mesh", "client", labels))
    rows = (row(to("a"), Match(source_labels=labels)), row(Respond(418)))
    routes = replace(table(*rows, domains=("products", "products:7000")), tunnels=True)
    world = snapshot([side], [routes], {"a": [await backend("a")]})
    clusters, endpoints = {**world.clusters, TUNNELS.name: TUNNELS}, {**world.endpoints, TUNNELS.name: ()}
    await plane.apply(replace(world, clusters=clusters, endpoints=endpoints))
    reader, writer = await asyncio.open_connection(side.address, side.port)
    try:
        writer.write(b"CONNECT products:7000 HTTP/1.1\r\nhost: products:7000\r\n\r\n")
        opened = await read_head(reader)
        assert opened is not None
        assert opened[0].split()[1] == "200"
        for host, status in (("products:7000", "200"), ("nobody:7000", "404")):
            writer.write(f"GET /list HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
            answer, _, _ = await read_message(reader)
            assert answer.split()[1] == status
    finally:
        writer.close()
    # Nobody comes to the tunnel's own host without one.
    assert (await ask(side.address, side.port, "/", host="_tunnel")).status == 404


async def test_weights_share_out_the_requests(door: Door) -> None:
    await door.routes(row(Forward((WeightedCluster("a", 25), WeightedCluster("b", 75)))))
    seen = Counter([await door.who() for _ in range(400)])
    # 400 requests, a quarter each: more than six standard deviations (8.7) off is no chance any more.
    assert 45 < seen["a"] < 155


async def test_headers_are_set_added_and_removed_on_both_ways(door: Door) -> None:
    changes = HeaderChanges(
        HeaderChange((("x-set", "new"),), (("x-add", "two"),), ("x-gone",)),
        HeaderChange((("server", "mesh"),), (("x-seen", "yes"),), ("x-none",)),
    )
    only_a = HeaderChanges(HeaderChange(set=(("x-chosen", "a"),)))
    await door.routes(row(Forward((WeightedCluster("a", 100, only_a),)), headers=changes))
    answer = await door.ask(x_set="old", x_gone="1", x_add="one")
    sent = answer.sent["headers"]
    assert (sent["x-set"], sent["x-chosen"], "x-gone" in sent) == ("new", "a", False)
    assert sent["x-add"] in ("two", "one,two")
    assert (answer.headers["server"], answer.headers["x-seen"]) == ("mesh", "yes")


@pytest.mark.parametrize(
    ("match", "rewrite", "asked", "got"),
    [
        (path(MatchKind.PREFIX, "/shop"), Rewrite(prefix="/mall"), "/shop/a?q=1", "/mall/a?q=1"),
        (path(MatchKind.EXACT, "/shop"), Rewrite(prefix="/mall"), "/shop", "/mall"),
        (Match(), Rewrite(regex="/v1/(.*)", substitution=r"/\1"), "/v1/x", "/x"),
    ],
)
async def test_a_rewrite_of_the_path(door: Door, match: Match, rewrite: Rewrite, asked: str, got: str) -> None:
    await door.routes(row(to("a", rewrite=rewrite), match))
    assert (await door.ask(asked)).sent["target"] == got


async def test_a_rewrite_of_the_authority(door: Door) -> None:
    await door.routes(row(to("a", rewrite=Rewrite(authority="products.mesh"))))
    assert (await door.ask(host="shop")).sent["headers"]["host"] == "products.mesh"


@pytest.mark.parametrize(
    ("redirect", "status", "location"),
    [
        (Redirect(302, path="/new"), 302, "http://shop/new"),
        (Redirect(308, scheme="https", port=8443), 308, "https://shop:8443/old?q=1"),
        (Redirect(307, authority="other", prefix="/p"), 307, "http://other/p?q=1"),
    ],
)
async def test_a_redirect(door: Door, redirect: Redirect, status: int, location: str) -> None:
    await door.routes(row(redirect, path(MatchKind.EXACT, "/old")))
    answer = await door.ask("/old?q=1", host="shop")
    assert (answer.status, answer.headers["location"].removesuffix("?q=1")) == (status, location.removesuffix("?q=1"))


async def test_a_direct_answer(door: Door) -> None:
    await door.routes(row(Respond(451, "closed\n" * 2000)))
    answer = await door.ask()
    assert (answer.status, answer.body) == (451, "closed\n" * 2000)


async def test_a_timeout_is_answered_504_also_while_the_request_is_on_its_way(door: Door) -> None:
    door.a.hold = asyncio.Event()
    await door.routes(row(to("a", timeout=0.2)))
    answers = [await door.ask() for _ in range(3)]
    assert [answer.status for answer in answers] == [504] * 3
    door.a.hold.set()


async def test_a_retry_goes_to_another_pod(door: Door) -> None:
    door.a.status = 503
    retry = Retry(2, ("retriable-status-codes",), (503,))
    await door.routes(row(to("both", retry=retry)))
    assert {await door.who() for _ in range(20)} == {"b"}
    assert door.a.seen


async def test_retries_end_after_their_attempts(door: Door) -> None:
    door.a.status = 503
    await door.routes(row(to("a", retry=Retry(2, ("5xx",)))))
    assert (await door.ask()).status == 503
    assert len(door.a.seen) == 3


@pytest.mark.parametrize(
    ("condition", "codes", "status", "tries"),
    [
        ("5xx", (), 500, 2),
        ("5xx", (), 404, 1),
        ("gateway-error", (), 502, 2),
        ("gateway-error", (), 504, 2),
        ("gateway-error", (), 500, 1),
        ("retriable-4xx", (), 409, 2),
        ("retriable-4xx", (), 404, 1),
        ("retriable-status-codes", (418,), 418, 2),
        ("retriable-status-codes", (418,), 500, 1),
        ("connect-failure", (), 503, 1),
        ("reset", (), 503, 1),
    ],
)
async def test_what_is_tried_again_is_what_the_condition_says(
    door: Door, condition: str, codes: tuple[int, ...], status: int, tries: int
) -> None:
    door.a.status = status
    await door.routes(row(to("a", retry=Retry(1, (condition,), codes))))
    assert (await door.ask()).status == status
    assert len(door.a.seen) == tries


async def test_a_mirror_gets_a_copy_and_the_caller_the_first_answer(door: Door) -> None:
    await door.routes(row(to("a", mirrors=(("b", 100.0),))))
    assert await door.who("/copied") == "a"
    await eventually(lambda: bool(door.b.seen), "the mirror was called")
    assert door.b.seen[0].target == "/copied"


async def test_a_fault_aborts_only_its_route(door: Door) -> None:
    broken = row(to("a"), path(MatchKind.PREFIX, "/broken"), fault=Fault(abort_status=555, abort_percent=100))
    slow = row(
        to("a"),
        path(MatchKind.PREFIX, "/slow"),
        fault=Fault(delay=0.05, delay_percent=100, abort_status=556, abort_percent=100),
    )
    never = row(to("a"), path(MatchKind.PREFIX, "/never"), fault=Fault(abort_status=557, abort_percent=0.0))
    await door.routes(broken, slow, never, row(to("b")))
    assert [(await door.ask(target)).status for target in ("/broken", "/slow", "/never", "/")] == [555, 556, 200, 200]


async def test_a_cors_policy_answers_the_preflight(door: Door) -> None:
    policy = Cors(
        allow_origins=(Pattern(MatchKind.EXACT, "https://shop"),),
        allow_methods=("GET", "PUT"),
        allow_headers=("x-a",),
        max_age=60.0,
        allow_credentials=True,
    )
    await door.routes(row(to("a"), cors=policy))
    allowed = await door.ask(method="OPTIONS", origin="https://shop", access_control_request_method="PUT")
    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == "https://shop"
    assert allowed.headers["access-control-allow-methods"] == "GET,PUT"
    assert allowed.headers["access-control-max-age"] == "60"
    assert not door.a.seen
    foreign = await door.ask(origin="https://evil")
    assert "access-control-allow-origin" not in foreign.headers


async def test_the_gateway_does_not_let_a_caller_steer_envoy(door: Door) -> None:
    door.a.hold = asyncio.Event()
    door.a.hold.set()
    await door.routes(row(to("a")))
    answer = await door.ask(
        x_envoy_upstream_rq_timeout_ms="1", x_envoy_max_retries="9", x_forwarded_for="1.2.3.4", x_request_id="mine"
    )
    sent = answer.sent["headers"]
    assert not [name for name in sent if name.startswith("x-envoy-") and name != "x-envoy-external-address"]
    assert sent["x-request-id"] == "mine"
    assert sent["x-forwarded-for"].startswith("1.2.3.4,")
    assert sent["x-forwarded-proto"] == "http"
    assert answer.headers["server"] == "a"
    assert not [name for name in answer.headers if name.startswith("x-envoy-")]


async def test_a_request_id_is_made_where_there_is_none(door: Door) -> None:
    await door.routes(row(to("a")))
    assert len((await door.ask()).sent["headers"]["x-request-id"]) == 36


async def test_a_path_is_normalised_as_istio_does_it(door: Door) -> None:
    await door.routes(row(to("a")))
    assert (await door.ask("/a/../b")).sent["target"] == "/b"
    assert (await door.ask("/a//b%2fc")).sent["target"] == "/a//b%2fc"


async def test_a_cluster_without_pods_answers_503(door: Door) -> None:
    await door.routes(row(to("nobody")))
    assert (await door.ask()).status == 503
