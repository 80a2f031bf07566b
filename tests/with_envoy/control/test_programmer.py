"""What a real Envoy does with the rules, and what it does while they change."""

import asyncio
import os
import signal
import time

from mesh.resources.values.ref import Ref
from tests.support.http import ask
from tests.support.objects import ISTIO, Body, body, cookie, rule, service, to
from tests.support.programmed import Plane


def gateway() -> Body:
    servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    return body("Gateway", "gw", servers=servers, selector={"istio": "ingressgateway"})


async def shop(plane: Plane) -> tuple[Body, Body]:
    """products and products-fox, each with a pod."""
    base = await plane.backend("base", app="products", branch="baseline")
    fox = await plane.backend("fox", app="products", branch="fox")
    await plane.apply(
        service("products", app="products", branch="baseline"),
        service("products-fox", app="products", branch="fox"),
        base,
        fox,
    )
    return base, fox


async def who(plane: Plane, caller: Body, **headers: str) -> str:
    reply = await plane.call(caller, "products:7000", **headers)
    return reply.body.split("\n")[0] if reply.status == 200 else str(reply.status)


async def test_a_cookie_leads_to_the_branch_by_both_forms_of_a_request(plane: Plane) -> None:
    base, _ = await shop(plane)
    await plane.apply(rule("products", "products", to("products-fox", match=[cookie("fox")]), to("products")))
    assert await who(plane, base, cookie="a=b; user=fox") == "fox"
    assert await who(plane, base, cookie="superuser=fox") == "base"
    absolute = await plane.call(base, "ignored", "http://products:7000/x?y=1", cookie="user=fox")
    assert absolute.body.startswith("fox\nGET /x?y=1 HTTP/1.1")


async def test_source_labels_are_those_of_the_calling_pod(plane: Plane) -> None:
    base, fox = await shop(plane)
    match = [{"sourceLabels": {"branch": "fox"}}]
    await plane.apply(rule("products", "products", to("products-fox", match=match), to("products")))
    assert await who(plane, base) == "base"
    assert await who(plane, fox) == "fox"


async def test_headers_query_and_absence_are_matched(plane: Plane) -> None:
    base, _ = await shop(plane)
    blocks = [
        {"headers": {"x-a": {}}, "withoutHeaders": {"x-b": {"exact": "1"}}},
        {"queryParams": {"v": {"regex": "2.*"}}},
        {"uri": {"exact": "/UP"}, "ignoreUriCase": True},
    ]
    await plane.apply(rule("products", "products", to("products-fox", match=blocks), to("products")))
    for path, headers, expected in (
        ("/", {"x_a": "y"}, "fox"),
        ("/", {"x_a": "y", "x_b": "1"}, "base"),
        ("/", {"x_a": "y", "x_b": "2"}, "fox"),
        ("/?v=21", {}, "fox"),
        ("/?v=12", {}, "base"),
        ("/up", {}, "fox"),
        ("/up/x", {}, "base"),
    ):
        reply = await plane.call(base, "products:7000", path, **headers)
        assert reply.body.split("\n")[0] == expected, (path, headers)


async def test_rewrite_redirect_answer_fault_and_headers(plane: Plane) -> None:
    base, _ = await shop(plane)
    changes = {"request": {"set": {"x-new": "1"}, "remove": ["x-old"]}, "response": {"add": {"x-more": "2"}}}
    await plane.apply(
        rule(
            "products",
            "products",
            to("products", match=[{"uri": {"prefix": "/old/"}}], rewrite={"uri": "/new/"}, headers=changes),
            {"match": [{"uri": {"exact": "/go"}}], "redirect": {"uri": "/there", "redirectCode": 307}},
            {"match": [{"uri": {"exact": "/say"}}], "directResponse": {"status": 418, "body": {"string": "tea"}}},
            to(
                "products",
                match=[{"uri": {"exact": "/fail"}}],
                fault={"abort": {"httpStatus": 555, "percentage": {"value": 100}}},
            ),
            to("products"),
        )
    )
    rewritten = await plane.call(base, "products:7000", "/old/a", x_old="1")
    assert "GET /new/a HTTP/1.1" in rewritten.body
    assert "x-new: 1" in rewritten.body
    assert "x-old" not in rewritten.body
    assert rewritten.headers["x-more"] == "2"
    moved = await plane.call(base, "products:7000", "/go")
    assert (moved.status, moved.headers["location"]) == (307, "http://products:7000/there")
    said = await plane.call(base, "products:7000", "/say")
    assert (said.status, said.body) == (418, "tea")
    assert (await plane.call(base, "products:7000", "/fail")).status == 555


async def test_the_gateway_serves_rules_bound_to_it_and_an_unknown_host_is_502_inside(plane: Plane) -> None:
    base, _ = await shop(plane)
    await plane.apply(gateway(), rule("front", "*", to("products"), gateways=["gw"]))
    assert (await plane.enter()).body.startswith("base")
    assert (await plane.call(base, "nobody:7000")).status == 502


async def test_a_rule_says_of_itself_what_is_missing_and_who_else_is_for_its_host(plane: Plane) -> None:
    await shop(plane)
    old = rule("old", "products", to("products"))
    young = rule("young", "products", to("nobody"))
    for each, stamp in ((old, "2026-01-01T00:00:00Z"), (young, "2026-01-02T00:00:00Z")):
        each["metadata"]["creationTimestamp"] = stamp
    await plane.apply(old, young)
    said = {}
    for name in ("old", "young"):
        stored = plane.store.get(Ref(ISTIO, "VirtualService", "mesh", name))
        assert stored is not None
        said[name] = {condition["type"]: condition for condition in stored.body["status"]["conditions"]}
    assert {name: each["status"] for name, each in said["old"].items()} == {
        "Programmed": "True",
        "Accepted": "True",
        "ResolvedRefs": "True",
        "Conflicted": "False",
    }
    assert {name: each["status"] for name, each in said["young"].items()} == {
        "Programmed": "True",
        "Accepted": "True",
        "ResolvedRefs": "False",
        "Conflicted": "True",
    }
    assert 'no Service is named "nobody"' in said["young"]["ResolvedRefs"]["message"]
    assert "VirtualService mesh/old" in said["young"]["Conflicted"]["message"]
    await plane.apply(service("nobody"))
    stored = plane.store.get(Ref(ISTIO, "VirtualService", "mesh", "young"))
    assert stored is not None
    assert next(e for e in stored.body["status"]["conditions"] if e["type"] == "ResolvedRefs")["status"] == "True"


async def test_a_rule_that_envoy_refuses_leaves_the_last_good_one_and_says_so(plane: Plane) -> None:
    base, _ = await shop(plane)
    await plane.apply(rule("products", "products", to("products-fox")))
    bad = [{"headers": {"a": {"regex": r"\p{Nothing}"}}}]
    answer = await plane.apply(rule("products", "products", to("products", match=bad), to("products")))
    assert [item.origins[0].name for item in answer.rejected] == ["products"]
    assert "invalid character" in answer.rejected[0].reason
    stored = plane.store.get(Ref(ISTIO, "VirtualService", "mesh", "products"))
    assert stored is not None
    condition = stored.body["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Programmed", "False", "Rejected")
    assert await who(plane, base) == "fox"
    others = await plane.apply(rule("other", "products-fox", to("products")))
    assert len(others.rejected) == 1
    # It is told once, however often the world is looked at again.
    assert len(plane.told) == 1
    assert "VirtualService mesh/products: " in plane.told[0]
    assert "invalid character" in plane.told[0]
    assert (await plane.call(base, "products-fox:7000")).body.startswith("base")
    mended = await plane.apply(rule("products", "products", to("products")))
    assert mended.rejected == ()
    assert await who(plane, base) == "base"


async def test_a_port_that_cannot_be_bound_names_the_gateway(plane: Plane) -> None:
    await shop(plane)
    held = await asyncio.start_server(lambda *_: None, plane.address, 8080)
    try:
        answer = await plane.apply(gateway(), rule("front", "*", to("products"), gateways=["gw"]))
    finally:
        held.close()
    assert [str(item.origins[0]) for item in answer.rejected] == ["Gateway mesh/gw"]
    assert f"{plane.address}:8080" in answer.rejected[0].reason


async def test_changes_under_load_cost_no_request(plane: Plane) -> None:
    """Rules, Services and pods come and go while somebody calls: each answer is a 200."""
    base, fox = await shop(plane)
    default = rule("products", "products", to("products"))
    await plane.apply(default)
    statuses: list[str] = []
    stopped = False

    async def call() -> None:
        while not stopped:
            statuses.append(await who(plane, base, cookie="user=fox"))

    callers = [asyncio.create_task(call()) for _ in range(4)]
    for number in range(15):
        extra = service(f"extra-{number}", app="products", branch="fox")
        branch = rule("products", "products", to(f"extra-{number}", match=[cookie("fox")]), to("products"))
        await plane.apply(extra, branch)
        assert await who(plane, base, cookie="user=fox") == "fox"
        await plane.apply(default)
        await plane.delete(extra)
        assert await who(plane, base, cookie="user=fox") == "base"
    stopped = True
    await asyncio.gather(*callers)
    assert set(statuses) == {"base", "fox"}
    assert fox["metadata"]["name"] == "fox"


async def test_what_is_deleted_and_comes_back_at_once_is_taken(plane: Plane) -> None:
    base, fox = await shop(plane)
    extra = service("products-fox", app="products", branch="fox")
    branch = rule("products", "products", to("products-fox"))
    for _ in range(3):
        await plane.apply(extra, branch, fox)
        assert await who(plane, base) == "fox"
        await plane.delete(branch, extra, fox)
        assert await who(plane, base) == "base"


async def test_an_envoy_that_dies_comes_back_with_all_it_had(plane: Plane) -> None:
    base, _ = await shop(plane)
    await plane.apply(rule("products", "products", to("products-fox")))
    pid = plane.data.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 15
    while True:
        try:
            if await who(plane, base) == "fox" and plane.data.process.pid != pid:
                break
        except OSError:
            await asyncio.sleep(0.02)
        assert time.monotonic() < deadline
    assert (await plane.apply(rule("products", "products", to("products")))).rejected == ()
    assert await who(plane, base) == "base"


async def test_a_tcp_service_passes_at_its_cluster_ip(plane: Plane) -> None:
    base, _ = await shop(plane)
    raw = service("raw", port=9999, port_name="tcp-raw", app="products", branch="baseline")
    raw["spec"]["clusterIP"] = f"{plane.block}.200"
    raw["spec"]["ports"][0]["targetPort"] = 7000
    await plane.apply(raw)
    assert (await ask(f"{plane.block}.200", 9999)).body.startswith("base")
    assert base["metadata"]["name"] == "base"


async def test_two_hundred_pods_have_a_listener_each(plane: Plane) -> None:
    base, _ = await shop(plane)
    many = []
    for number in range(200):
        one = {**base, "metadata": {**base["metadata"], "name": f"many-{number}"}}
        many.append(
            {**one, "status": {**one["status"], "podIP": f"{plane.block.rpartition('.')[0]}.{number % 250}.77"}}
        )
    plane_of = {item["status"]["podIP"] for item in many}
    answer = await plane.apply(*many)
    assert answer.rejected == ()
    assert plane.data.describe()["listeners"] >= len(plane_of)
