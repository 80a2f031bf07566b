"""What is refused concerns nobody else, is shown on who caused it, and ends when the cause does."""

import asyncio
from typing import Any

import pytest

from mesh.resources.ref import Ref
from mesh.routing.compile import compile as whole
from tests.mesh.objects import ISTIO, Body, body, rule, service, to
from tests.mesh.programmer.conftest import Plane, ask

UNKNOWN_CLASS = [{"headers": {"a": {"regex": r"\p{Nothing}"}}}]


def condition(plane: Plane, kind: str, name: str) -> dict[str, Any]:
    stored = plane.store.get(Ref("" if kind == "Service" else ISTIO, kind, "mesh", name))
    assert stored is not None
    found: list[dict[str, Any]] = (stored.body.get("status") or {}).get("conditions") or [{}]
    return found[0]


async def until(plane: Plane, kind: str, name: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(20), plane.store.watch() as watch:
        while condition(plane, kind, name).get("status") != status:
            await watch.batch()
    return condition(plane, kind, name)


def gateway(name: str, number: int) -> Body:
    servers = [{"port": {"number": number, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    return body("Gateway", name, servers=servers, selector={"istio": "ingressgateway"})


async def who(plane: Plane, caller: Body, host: str = "products:7000") -> str:
    reply = await plane.call(caller, host)
    return reply.body.split("\n")[0] if reply.status == 200 else str(reply.status)


async def test_a_service_whose_node_port_is_in_use_is_still_served_inside(plane: Plane) -> None:
    base = await plane.backend("base", app="products")
    held = await asyncio.start_server(lambda *_: None, plane.address, 31004)
    outside = service("products")
    outside["spec"]["type"] = "NodePort"
    outside["spec"]["ports"][0]["nodePort"] = 31004
    try:
        answer = await plane.apply(base, outside)
        assert [str(each.origins[0]) for each in answer.rejected] == ["Service mesh/products"]
        assert answer.rejected[0].reason.startswith(f"{plane.address}:31004 is in use by another program")
        assert await who(plane, base) == "base"
        shown = await until(plane, "Service", "products", "False")
        assert f"{plane.address}:31004" in shown["message"]
    finally:
        held.close()
        await held.wait_closed()
    # The port is free now: nobody has to apply anything again.
    await until(plane, "Service", "products", "True")
    assert (await ask(plane.address, 31004, "any")).body.startswith("base")
    assert (await plane.programmer.acknowledged(plane.store.version, 20)).rejected == ()


async def test_one_gateway_without_its_port_leaves_the_other(plane: Plane) -> None:
    base = await plane.backend("base", app="products")
    held = await asyncio.start_server(lambda *_: None, plane.address, 9090)
    try:
        entry = rule("front", "*", to("products"), gateways=["one", "two"])
        answer = await plane.apply(base, service("products"), gateway("one", 80), gateway("two", 9090), entry)
        assert [str(each.origins[0]) for each in answer.rejected] == ["Gateway mesh/two"]
        assert (await plane.enter()).body.startswith("base")
        assert condition(plane, "Gateway", "one")["status"] == "True"
        assert condition(plane, "VirtualService", "front")["status"] == "True"
    finally:
        held.close()


async def test_of_many_rules_at_once_only_the_bad_ones_are_set_aside(plane: Plane) -> None:
    base = await plane.backend("base", app="products")
    services = [service(f"s{number}", app="products") for number in range(6)]
    rules = [
        rule(f"r{number}", f"s{number}", to("s0", match=UNKNOWN_CLASS), to("s0"))
        if number in (2, 4)
        else rule(f"r{number}", f"s{number}", {"directResponse": {"status": 210 + number}})
        for number in range(6)
    ]
    answer = await plane.apply(base, *services, *rules)
    assert [str(each.origins[0]) for each in answer.rejected] == ["VirtualService mesh/r2", "VirtualService mesh/r4"]
    seen = [await who(plane, base, f"s{number}:7000") for number in range(6)]
    assert seen == ["210", "211", "base", "213", "base", "215"]
    statuses = [condition(plane, "VirtualService", f"r{number}")["status"] for number in range(6)]
    assert statuses == ["True", "True", "False", "True", "False", "True"]


async def test_a_refused_rule_does_not_lose_the_pods_that_its_last_good_state_needs(plane: Plane) -> None:
    base = await plane.backend("base", app="products")
    old, new = service("old", app="products"), service("new", app="products")
    await plane.apply(base, service("products"), old, rule("products", "products", to("old")))
    bad = rule("products", "products", to("new", match=UNKNOWN_CLASS), to("new"))
    answer = await plane.apply(new, bad)
    assert len(answer.rejected) == 1
    assert await who(plane, base) == "base"


async def test_a_rule_that_is_deleted_takes_its_refusal_with_it(plane: Plane) -> None:
    base = await plane.backend("base", app="products")
    bad = rule("products", "products", to("products", match=UNKNOWN_CLASS), to("products"))
    assert len((await plane.apply(base, service("products"), bad)).rejected) == 1
    assert (await plane.delete(bad)).rejected == ()
    assert await who(plane, base) == "base"


async def test_a_status_alone_moves_nothing_and_is_acknowledged_at_once(plane: Plane) -> None:
    await plane.apply(service("products"), rule("products", "products", to("products")))
    await until(plane, "VirtualService", "products", "True")
    before = plane.programmer.snapshot
    stored = plane.store.get(Ref(ISTIO, "VirtualService", "mesh", "products"))
    assert stored is not None
    await plane.apply({**stored.body, "status": {**stored.body["status"], "observedGeneration": "1"}})
    assert plane.programmer.snapshot is before


async def test_a_configuration_that_cannot_be_built_keeps_what_is_in_force(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await plane.backend("base", app="products")
    await plane.apply(base, service("products"))

    def fails_for_one(world: Any, settings: Any) -> Any:
        if any(each.metadata.name == "odd" for each in world.virtual_services):
            raise ValueError("a mistake of the compiler")
        return whole(world, settings)

    monkeypatch.setattr("mesh.envoy.programmer.compile", fails_for_one)
    answer = await plane.apply(rule("odd", "odd", to("products")))
    assert [str(each.origins[0]) for each in answer.rejected] == ["VirtualService mesh/odd"]
    assert "a mistake of the compiler" in answer.rejected[0].reason
    assert await who(plane, base) == "base"
    fine = await plane.apply(rule("fine", "products", {"directResponse": {"status": 222}}))
    assert len(fine.rejected) == 1
    assert await who(plane, base) == "222"


async def test_a_policy_that_changes_is_in_force_without_a_wait(plane: Plane) -> None:
    """Envoy waits up to 15 s for endpoints that do not come along with a cluster that changed."""
    base = await plane.backend("base", app="products")
    await plane.apply(base, service("products"))
    for number in range(1, 6):
        pool = {"connectionPool": {"http": {"maxRequestsPerConnection": number}}}
        async with asyncio.timeout(10):
            answer = await plane.apply(body("DestinationRule", "products", host="products", trafficPolicy=pool))
        assert answer.rejected == ()
        assert await who(plane, base) == "base"
