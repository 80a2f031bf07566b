"""The features that the Gateway API's conformance tests name, each with a real Envoy."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from tests.conformance.gateway_api import (
    call,
    enter,
    gateway,
    grant,
    listener,
    of,
    path,
    route,
    shares,
    to,
    who,
)
from tests.conformance.rig import Rig, istio, secure_get
from tests.support.certificates import secret

Json = dict[str, Any]
Cases = Sequence[tuple[str, dict[str, str], str]]


def held(rig: Rig, runner: asyncio.Runner, objects: Sequence[Json], cases: Cases) -> None:
    """Each request (target, then headers, `host` and `method` among them) is answered by the pod of this name, or with
    this status."""

    async def play() -> None:
        await rig.apply([*rig.around(), *objects])
        for target, more, expected in cases:
            assert who(await enter(rig, target, **more)) == expected, (target, more)

    runner.run(play())


def test_HTTPRouteSimpleSameNamespace(rig: Rig, runner: asyncio.Runner) -> None:
    held(rig, runner, [gateway(), route("a", to("shop"))], [("/", {}, "shop"), ("/", {"host": "b.example.com"}, "404")])


def test_HTTPRouteExactPathMatching(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [to("shop", matches=[path("/one", "Exact")]), to("cart", matches=[path("/two", "Exact")])]
    cases: Cases = [
        ("/one", {}, "shop"),
        ("/two", {}, "cart"),
        ("/", {}, "404"),
        ("/one/", {}, "404"),
        ("/Two", {}, "404"),
    ]
    held(rig, runner, [gateway(), route("a", *rules)], cases)


def test_HTTPRouteMatching(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [
        to("shop", matches=[path("/"), {"headers": [{"name": "version", "value": "one"}]}]),
        to("cart", matches=[path("/v2"), {"headers": [{"name": "version", "value": "two"}]}]),
    ]
    cases: Cases = [
        ("/", {}, "shop"),
        ("/example", {}, "shop"),
        ("/", {"version": "one"}, "shop"),
        ("/v2", {}, "cart"),
        ("/v2/", {}, "cart"),
        ("/v2example", {}, "shop"),
        ("/", {"version": "two"}, "cart"),
    ]
    held(rig, runner, [gateway(), route("a", *rules)], cases)


def test_HTTPRouteMatchingAcrossRoutes(rig: Rig, runner: asyncio.Runner) -> None:
    hosts = ("api.example.com", "b.example.com")
    first = route(
        "first", to("shop", matches=[path("/"), {"headers": [{"name": "version", "value": "one"}]}]), hostnames=hosts
    )
    second = route("second", to("cart", matches=[path("/v2"), {"headers": [{"name": "version", "value": "two"}]}]))
    cases: Cases = [
        ("/", {}, "shop"),
        ("/", {"host": "b.example.com"}, "shop"),
        ("/v2", {}, "cart"),
        ("/v2", {"host": "b.example.com"}, "shop"),
        ("/", {"version": "two"}, "cart"),
        ("/", {"version": "one", "host": "b.example.com"}, "shop"),
    ]
    held(rig, runner, [gateway(), first, second], cases)


def test_HTTPRoutePathMatchOrder(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [
        to("copy", matches=[path("/match")]),
        to("cart", matches=[path("/match/prefix")]),
        to("shop", matches=[path("/match/exact", "Exact")]),
        to("copy2", matches=[path("/match/[a-z]+/x", "RegularExpression")]),
    ]
    cases: Cases = [
        ("/match/exact", {}, "shop"),
        ("/match/exact/more", {}, "copy"),
        ("/match/prefix/any", {}, "cart"),
        ("/match/other", {}, "copy"),
        ("/match/prefix/x", {}, "copy2"),
    ]
    held(rig, runner, [gateway(), route("a", *rules)], cases)


def test_HTTPRouteHeaderMatching(rig: Rig, runner: asyncio.Runner) -> None:
    def header(name: str, value: str, **more: str) -> Json:
        return {"name": name, "value": value, **more}

    rules = [
        to("shop", matches=[{"headers": [header("version", "one")]}]),
        to("cart", matches=[{"headers": [header("version", "two")]}]),
        to("copy", matches=[{"headers": [header("version", "two"), header("color", "orange")]}]),
        to("copy2", matches=[{"headers": [header("Color", "blue|green", type="RegularExpression")]}]),
    ]
    cases: Cases = [
        ("/", {"version": "one"}, "shop"),
        ("/", {"version": "two"}, "cart"),
        ("/", {"version": "two", "color": "orange"}, "copy"),
        ("/", {"color": "green"}, "copy2"),
        ("/", {"color": "greenish"}, "404"),
        ("/", {"some": "two"}, "404"),
    ]
    held(rig, runner, [gateway(), route("a", *rules)], cases)


def test_HTTPRouteQueryParamMatching(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [
        to("shop", matches=[{"queryParams": [{"name": "animal", "value": "whale"}]}]),
        to("cart", matches=[{"queryParams": [{"name": "animal", "value": "wh.*", "type": "RegularExpression"}]}]),
        to(
            "copy",
            matches=[{"queryParams": [{"name": "animal", "value": "whale"}, {"name": "color", "value": "blue"}]}],
        ),
    ]
    cases: Cases = [
        ("/?animal=whale", {}, "shop"),
        ("/?animal=whelk", {}, "cart"),
        ("/?color=blue&animal=whale", {}, "copy"),
        ("/?animal=dog", {}, "404"),
        ("/", {}, "404"),
    ]
    held(rig, runner, [gateway(), route("a", *rules)], cases)


def test_HTTPRouteMethodMatching(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [
        to("shop", matches=[{"method": "POST"}]),
        to("cart", matches=[{"method": "GET"}]),
        to("copy", matches=[path("/long")]),
    ]
    cases: Cases = [
        ("/", {"method": "POST"}, "shop"),
        ("/", {}, "cart"),
        ("/long", {}, "copy"),
        ("/", {"method": "DELETE"}, "404"),
    ]
    held(rig, runner, [gateway(), route("a", *rules)], cases)


def test_HTTPRouteListenerHostnameMatching(rig: Rig, runner: asyncio.Runner) -> None:
    listeners = [
        listener("one", hostname="bar.com"),
        listener("two", hostname="foo.bar.com"),
        listener("three", hostname="*.bar.com"),
    ]
    routes = [
        route("one", to("shop"), hostnames=(), parentRefs=[{"name": "api", "sectionName": "one"}]),
        route("two", to("cart"), hostnames=(), parentRefs=[{"name": "api", "sectionName": "two"}]),
        route("three", to("copy"), hostnames=(), parentRefs=[{"name": "api", "sectionName": "three"}]),
    ]
    cases: Cases = [
        ("/", {"host": "bar.com"}, "shop"),
        ("/", {"host": "foo.bar.com"}, "cart"),
        ("/", {"host": "baz.bar.com"}, "copy"),
        ("/", {"host": "a.b.bar.com"}, "copy"),
        ("/", {"host": "other.com"}, "404"),
    ]
    held(rig, runner, [gateway(*listeners), *routes], cases)


def test_HTTPRouteHostnameIntersection(rig: Rig, runner: asyncio.Runner) -> None:
    listeners = [
        listener("specific", hostname="very.specific.com"),
        listener("wild", hostname="*.wildcard.io"),
        listener("wider", hostname="*.anotherwildcard.io"),
    ]
    routes = [
        route("one", to("shop", matches=[path("/s1")]), hostnames=("non.matching.com", "*.specific.com")),
        route("two", to("cart", matches=[path("/s2")]), hostnames=("foo.wildcard.io", "wildcard.io", "foo.wild.io")),
        route("three", to("copy", matches=[path("/s3")]), hostnames=("*.anotherwildcard.io",)),
    ]
    cases: Cases = [
        ("/s1", {"host": "very.specific.com"}, "shop"),
        ("/s1", {"host": "other.specific.com"}, "404"),
        ("/s1", {"host": "non.matching.com"}, "404"),
        ("/s2", {"host": "foo.wildcard.io"}, "cart"),
        ("/s2", {"host": "bar.wildcard.io"}, "404"),
        ("/s2", {"host": "wildcard.io"}, "404"),
        ("/s3", {"host": "a.anotherwildcard.io"}, "copy"),
        ("/s3", {"host": "a.b.anotherwildcard.io"}, "copy"),
        ("/s1", {"host": "a.anotherwildcard.io"}, "404"),
    ]
    held(rig, runner, [gateway(*listeners), *routes], cases)


def test_GatewayHTTPListenerIsolation(rig: Rig, runner: asyncio.Runner) -> None:
    listeners = [listener("any"), listener("wild", hostname="*.example.com"), listener("one", hostname="a.example.com")]
    routes = [
        route(name, to(pod), hostnames=(), parentRefs=[{"name": "api", "sectionName": name}])
        for name, pod in (("any", "shop"), ("wild", "cart"))
    ]
    cases: Cases = [
        ("/", {"host": "elsewhere.org"}, "shop"),
        ("/", {"host": "b.example.com"}, "cart"),
        ("/", {"host": "a.example.com"}, "404"),
    ]
    held(rig, runner, [gateway(*listeners), *routes], cases)


def test_HTTPRouteWeight(rig: Rig, runner: asyncio.Runner) -> None:
    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", to("shop=7", "cart=3", "copy=0"))])
        seen = await shares(rig, 300)
        assert set(seen) == {"shop", "cart"}
        assert 150 < seen["shop"] < 270

    runner.run(play())


def test_HTTPRouteInvalidNonExistentBackendRef(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [
        to("nobody", matches=[path("/alone")]),
        to("shop=0", matches=[path("/nothing")]),
        to("nobody", "shop", matches=[path("/half")]),
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", *rules)])
        assert (await enter(rig, "/alone")).status == 500
        assert (await enter(rig, "/nothing")).status == 500
        seen = await shares(rig, 200, "/half")
        assert set(seen) == {"shop", "500"}
        assert 60 < seen["500"] < 140

    runner.run(play())


def test_HTTPRouteCrossNamespace_and_ReferenceGrant(rig: Rig, runner: asyncio.Runner) -> None:
    refs = [{"name": "shop", "namespace": "mesh", "port": 7000}]
    parents = [{"name": "api", "namespace": "mesh"}]
    foreign = route("a", {"backendRefs": refs}, namespace="other", parentRefs=parents)
    closed, opened = gateway(), gateway(listener(allowedRoutes={"namespaces": {"from": "All"}}))
    allowed = grant("mesh", "HTTPRoute", "other", name="shop")
    held(rig, runner, [closed, foreign, allowed], [("/", {}, "404")])
    held(rig, runner, [opened, foreign], [("/", {}, "500")])
    held(rig, runner, [opened, foreign, grant("mesh", "HTTPRoute", "other", name="cart")], [("/", {}, "500")])
    held(rig, runner, [opened, foreign, allowed], [("/", {}, "shop")])


def test_HTTPRouteAllowedRoutes_by_the_labels_of_namespaces(rig: Rig, runner: asyncio.Runner) -> None:
    selector = {"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]}
    door = gateway(listener(allowedRoutes={"namespaces": {"from": "Selector", "selector": selector}}))
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}}
        for name, team in (("mesh", "a"), ("other", "c"))
    ]
    foreign = route("b", to("shop"), namespace="other", parentRefs=[{"name": "api", "namespace": "mesh"}])
    cases: Cases = [("/", {"host": "b.example.com"}, "cart"), ("/", {}, "404")]
    held(rig, runner, [*spaces, door, foreign, route("a", to("cart"), hostnames=("b.example.com",))], cases)


def test_HTTPRouteRequestHeaderModifier_and_ResponseHeaderModifier(rig: Rig, runner: asyncio.Runner) -> None:
    def changes(**more: Any) -> Json:
        return {name: [{"name": k, "value": v} for k, v in each.items()] for name, each in more.items()}

    request = {**changes(set={"X-Set": "new"}, add={"X-Add": "more"}), "remove": ["x-gone"]}
    response = {**changes(set={"server": "changed"}, add={"x-new": "1"}), "remove": ["x-answer"]}
    backend = {"type": "RequestHeaderModifier", "requestHeaderModifier": changes(set={"x-backend": "b"})}
    rule = {
        "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": request},
            {"type": "ResponseHeaderModifier", "responseHeaderModifier": response},
        ],
        "backendRefs": [{"name": "shop", "port": 7000, "filters": [backend]}],
    }

    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", rule)])
        seen = await enter(rig, x_set="old", x_add="one", x_gone="1", x_kept="2")
        assert seen.sent["x-set"] == "new"
        assert seen.sent["x-add"].replace(" ", "") == "one,more"
        assert seen.sent["x-backend"] == "b"
        assert seen.sent["x-kept"] == "2"
        assert "x-gone" not in seen.sent
        assert seen.headers["x-new"] == "1"
        assert "x-answer" not in seen.headers

    runner.run(play())


def redirect(**more: Any) -> Json:
    return {"filters": [{"type": "RequestRedirect", "requestRedirect": more}]}


async def location(rig: Rig, target: str) -> tuple[int, str]:
    seen = await enter(rig, target)
    return seen.status, seen.headers.get("location", "")


def test_HTTPRouteRedirectHostAndStatus_Path_Port_Scheme(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [
        {**redirect(hostname="example.org"), "matches": [path("/host")]},
        {**redirect(hostname="example.org", statusCode=301), "matches": [path("/status")]},
        {
            **redirect(hostname="example.org", path={"type": "ReplaceFullPath", "replaceFullPath": "/full"}),
            "matches": [path("/whole")],
        },
        {
            **redirect(hostname="example.org", path={"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}),
            "matches": [path("/old")],
        },
        {
            **redirect(hostname="example.org", path={"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}),
            "matches": [path("/strip")],
        },
        {**redirect(hostname="example.org", port=8083), "matches": [path("/port")]},
        {**redirect(hostname="example.org", scheme="https", port=443), "matches": [path("/secure")]},
        {**redirect(scheme="https"), "matches": [path("/here")]},
    ]
    cases = [
        ("/host", 302, "http://example.org/host"),
        ("/status", 301, "http://example.org/status"),
        ("/whole/x?a=1", 302, "http://example.org/full?a=1"),
        ("/old/x", 302, "http://example.org/new/x"),
        ("/strip/x", 302, "http://example.org/x"),
        ("/strip", 302, "http://example.org/"),
        ("/port", 302, "http://example.org:8083/port"),
        ("/secure", 302, "https://example.org/secure"),
        ("/here", 302, "https://api.example.com:8443/here"),
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", *rules)])
        for target, status, place in cases:
            assert await location(rig, target) == (status, place)

    runner.run(play())


def rewrite(**more: Any) -> list[Json]:
    return [{"type": "URLRewrite", "urlRewrite": more}]


def test_HTTPRouteRewritePath_and_RewriteHost(rig: Rig, runner: asyncio.Runner) -> None:
    def prefix(text: str) -> Json:
        return {"type": "ReplacePrefixMatch", "replacePrefixMatch": text}

    rules = [
        to("shop", matches=[path("/prefix/one")], filters=rewrite(path=prefix("/one"))),
        to("shop", matches=[path("/strip")], filters=rewrite(path=prefix("/"))),
        to("shop", matches=[path("/empty/")], filters=rewrite(path=prefix(""))),
        to("shop", matches=[path("/")], filters=rewrite(path=prefix("/below"))),
        to(
            "shop",
            matches=[path("/full")],
            filters=rewrite(hostname="one.example.org", path={"type": "ReplaceFullPath", "replaceFullPath": "/x"}),
        ),
    ]
    cases = [
        ("/prefix/one/two?a=1", "/one/two?a=1"),
        ("/prefix/one", "/one"),
        ("/strip/three", "/three"),
        ("/strip", "/"),
        ("/strip?a=1", "/?a=1"),
        ("/empty/x", "/x"),
        ("/striped", "/below/striped"),
        ("/", "/below/"),
        ("/full/y?a=1", "/x?a=1"),
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", *rules)])
        for target, expected in cases:
            assert (await enter(rig, target)).target == expected
        assert (await enter(rig, "/full")).sent["host"] == "one.example.org"

    runner.run(play())


def test_HTTPRouteRequestMirror_and_MultipleMirrors(rig: Rig, runner: asyncio.Runner) -> None:
    mirrors = [
        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": name, "port": 7000}, **more}}
        for name, more in (("copy", {}), ("copy2", {"percent": 100}), ("cart", {"fraction": {"numerator": 0}}))
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", to("shop", filters=mirrors))])
        seen = await enter(rig)
        assert who(seen) == "shop"
        reached = await rig.reached(seen.sent["x-case"], 3)
        assert sorted(item.partition("-v")[0] for item in reached) == ["copy", "copy2", "shop"]

    runner.run(play())


def test_HTTPRouteCORS(rig: Rig, runner: asyncio.Runner) -> None:
    cors = {
        "allowOrigins": ["https://one.example.org", "https://*.two.example.org"],
        "allowMethods": ["GET", "PUT"],
        "allowHeaders": ["x-a"],
        "allowCredentials": True,
        "maxAge": 600,
    }
    rule = to("shop", filters=[{"type": "CORS", "cors": cors}])

    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", rule)])
        for origin, allowed in (
            ("https://one.example.org", True),
            ("https://a.two.example.org", True),
            ("https://three.example.org", False),
        ):
            ask = {"origin": origin, "access_control_request_method": "PUT"}
            seen = await enter(rig, method="OPTIONS", **ask)
            assert seen.headers.get("access-control-allow-origin") == (origin if allowed else None)
            if allowed:
                assert seen.headers["access-control-allow-methods"] == "GET,PUT"
                assert seen.headers["access-control-max-age"] == "600"
                assert seen.headers["access-control-allow-credentials"] == "true"

    runner.run(play())


def test_HTTPRouteTimeoutRequest_and_BackendTimeout(rig: Rig, runner: asyncio.Runner) -> None:
    rules = [
        to("shop", matches=[path("/whole")], timeouts={"request": "100ms"}),
        to("shop", matches=[path("/try")], timeouts={"backendRequest": "100ms"}),
        to("shop", timeouts={"request": "0s"}),
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), gateway(), route("a", *rules)])
        rig.hold.clear()
        try:
            assert (await enter(rig, "/whole")).status == 504
            assert (await enter(rig, "/try")).status == 504
        finally:
            rig.hold.set()
        assert (await enter(rig, "/")).status == 200

    runner.run(play())


def test_HTTPRouteHTTPSListener_and_GatewaySecretReferenceGrant(rig: Rig, runner: asyncio.Runner) -> None:
    own, trusted = secret("own", "secure.example.com")
    foreign, other = secret("far", "far.example.com")
    foreign["metadata"]["namespace"] = "other"
    listeners = [
        listener("own", 443, "HTTPS", hostname="secure.example.com", tls={"certificateRefs": [{"name": "own"}]}),
        listener(
            "far", 443, "HTTPS", hostname="far.example.com",
            tls={"certificateRefs": [{"name": "far", "namespace": "other"}]},
        ),
    ]  # fmt: skip
    made = route("a", to("shop"), hostnames=())

    async def play() -> None:
        allowed = grant("other", "Gateway", "mesh", "Secret")
        await rig.apply([*rig.around(), own, foreign, allowed, gateway(*listeners), made])
        for host, certificate in (("secure.example.com", trusted), ("far.example.com", other)):
            status, _, body = await secure_get(rig, host, certificate, place="mesh/api")
            assert status.split(" ")[1] == "200"
            assert json.loads(body)["pod"].startswith("shop")

    runner.run(play())


def test_MeshHTTPRoute_takes_the_calls_to_its_Service(rig: Rig, runner: asyncio.Runner) -> None:
    parents = [{"group": "", "kind": "Service", "name": "shop", "port": 7000}]
    made = route(
        "a", to("cart", matches=[{"headers": [{"name": "x-a", "value": "1"}]}]), to("shop", matches=[path("/known")]),
        hostnames=(), parentRefs=parents,
    )  # fmt: skip

    async def play() -> None:
        await rig.apply([*rig.around(), made])
        assert who(await call(rig, "/", x_a="1")) == "cart"
        assert who(await call(rig, "/known")) == "shop"
        assert who(await call(rig, "/unknown")) == "404"
        assert who(await call(rig, "/", "cart:7000")) == "cart"
        assert who(await call(rig, "/known", "shop.mesh:7000", "stranger")) == "shop"

    runner.run(play())


def test_MeshConsumerRoute_takes_the_calls_of_its_own_namespace(rig: Rig, runner: asyncio.Runner) -> None:
    parents = [{"group": "", "kind": "Service", "name": "shop", "namespace": "mesh"}]
    refs = [{"name": "cart", "namespace": "mesh", "port": 7000}]
    consumer = route("a", {"backendRefs": refs}, hostnames=(), parentRefs=parents, namespace="other")

    async def play() -> None:
        await rig.apply([*rig.around(), consumer, grant("mesh", "HTTPRoute", "other")])
        assert who(await call(rig, "/", "shop.mesh:7000", "stranger")) == "cart"
        assert who(await call(rig, "/", "shop.mesh:7000", "caller")) == "shop"

    runner.run(play())


def test_of_a_VirtualService_and_a_younger_HTTPRoute_the_latter_counts_in_its_own_namespace_alone(
    rig: Rig, runner: asyncio.Runner
) -> None:
    match = [{"headers": {"x-a": {"exact": "1"}}}]
    rule = istio(
        "VirtualService",
        "shop",
        {"hosts": ["shop"], "http": [{"match": match, "route": [{"destination": {"host": "copy"}}]}]},
    )
    made = route("a", to("cart"), hostnames=(), parentRefs=[{"group": "", "kind": "Service", "name": "shop"}])

    async def play() -> None:
        await rig.apply([*rig.around(), rule, made])
        assert who(await call(rig, "/", x_a="1")) == "cart"
        assert who(await call(rig, "/", "shop.mesh:7000", "stranger", x_a="1")) == "copy"
        assert who(await call(rig, "/", "shop.mesh:7000", "stranger")) == "404"

    runner.run(play())


def test_GRPCRoute_methods_are_paths(rig: Rig, runner: asyncio.Runner) -> None:
    def method(**more: str) -> Json:
        return {"method": more}

    rules = [
        to("shop", matches=[method(service="a.B", method="Get")]),
        to("cart", matches=[method(service="a.B")]),
        to("copy", matches=[method(method="List")]),
        to("copy2", matches=[method(type="RegularExpression", service="x[.]Y+", method="Do.*")]),
    ]
    made = of("GRPCRoute", "a", {"parentRefs": [{"name": "api"}], "rules": rules, "hostnames": ["api.example.com"]})
    cases: Cases = [
        ("/a.B/Get", {"method": "POST"}, "shop"),
        ("/a.B/Put", {"method": "POST"}, "cart"),
        ("/c.D/List", {"method": "POST"}, "copy"),
        ("/x.YY/DoIt", {"method": "POST"}, "copy2"),
        ("/c.D/Put", {"method": "POST"}, "404"),
    ]
    held(rig, runner, [gateway(), made], cases)


def test_a_branch_decides_where_an_HTTPRoute_leads(rig: Rig, runner: asyncio.Runner) -> None:
    branch = {
        "apiVersion": "meshmall.dev/v1",
        "kind": "Branch",
        "metadata": {"name": "fox", "namespace": "mesh"},
        "spec": {"enter": [{"cookie": {"name": "user", "value": "fox"}}], "services": {"shop": {"version": "v2"}}},
    }
    rules = [
        to("shop", matches=[path("/shop")], filters=rewrite(path={"type": "ReplaceFullPath", "replaceFullPath": "/x"}))
    ]

    async def play() -> None:
        await rig.apply([*rig.around(), branch, gateway(), route("a", *rules, to("cart"))])
        fox = [await enter(rig, "/shop", cookie="user=fox") for _ in range(20)]
        assert {seen.pod for seen in fox} == {"shop-v2"}
        assert {seen.target for seen in fox} == {"/x"}
        others = [await enter(rig, "/shop") for _ in range(40)]
        assert {seen.pod for seen in others} == {"shop-v1", "shop-v2"}
        assert who(await enter(rig, "/", cookie="user=fox")) == "cart"

    runner.run(play())
