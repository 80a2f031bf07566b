"""Hosts outside the mesh: by address, by a name that the daemon resolves, by pods that a selector takes."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mesh.control.host_names import HostNames
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from mesh.routing.compile import compile  # noqa: A004 - what it does
from mesh.routing.world import World
from tests.conformance.reference import Request
from tests.conformance.rig import Observed, Rig, istio, typed

Json = dict[str, Any]
HOST = "api.outside.example.com"


def entry(**spec: Any) -> Json:
    ports = [{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": 7000}]
    return istio("ServiceEntry", "outside", {"hosts": [HOST], "ports": ports, "location": "MESH_EXTERNAL", **spec})


async def asked(rig: Rig, *objects: Json, caller: str = "caller", host: str = HOST) -> Observed:
    await rig.apply([*rig.around(), *objects])
    try:
        return (await rig.ask(Request("mesh", host, 80, "GET", "/x", "", (), authority=host), caller))[1]
    finally:
        await rig.hang_up()


def test_an_unknown_host_is_not_called(rig: Rig, runner: asyncio.Runner) -> None:
    found = runner.run(asked(rig))
    assert (found.status, "no service of this name" in found.body) == (502, True)


def test_a_host_is_called_at_its_addresses_with_its_name_kept(rig: Rig, runner: asyncio.Runner) -> None:
    outside = entry(resolution="STATIC", endpoints=[{"address": rig.addresses["cart"]}])
    found = runner.run(asked(rig, outside))
    assert (found.pod, found.sent["host"], found.target) == ("cart", HOST, "/x")
    named = entry(resolution="STATIC", endpoints=[{"address": rig.addresses["copy"], "ports": {"http": 7000}}])
    assert runner.run(asked(rig, named)).pod == "copy"


def test_rules_apply_to_it_as_to_any_host(rig: Rig, runner: asyncio.Runner) -> None:
    outside = entry(
        resolution="STATIC",
        endpoints=[
            {"address": rig.addresses["cart"], "labels": {"version": "v1"}},
            {"address": rig.addresses["copy"], "labels": {"version": "v2"}},
        ],
    )
    subsets = istio("DestinationRule", "o", {"host": HOST, "subsets": [{"name": "v2", "labels": {"version": "v2"}}]})
    route = {"route": [{"destination": {"host": HOST, "subset": "v2"}}], "rewrite": {"uri": "/y"}}
    rule = istio("VirtualService", "o", {"hosts": [HOST], "http": [{"match": [{"uri": {"prefix": "/x"}}], **route}]})
    found = runner.run(asked(rig, outside, subsets, rule))
    assert (found.pod, found.target) == ("copy", "/y")


def test_a_gateway_can_send_there(rig: Rig, runner: asyncio.Runner) -> None:
    outside = entry(resolution="STATIC", endpoints=[{"address": rig.addresses["cart"]}])
    route = {"route": [{"destination": {"host": HOST}}]}
    rule = istio("VirtualService", "o", {"hosts": ["in.example.com"], "gateways": ["door"], "http": [route]})

    async def play() -> Observed:
        await rig.apply([*rig.around(), outside, rule])
        request = Request("mesh/door", "in.example.com", 80, "GET", "/", "", (), authority="in.example.com")
        try:
            return (await rig.ask(request, "gateway"))[1]
        finally:
            await rig.hang_up()

    assert runner.run(play()).pod == "cart"


def test_pods_can_be_what_it_stands_for(rig: Rig, runner: asyncio.Runner) -> None:
    outside = entry(resolution="STATIC", workloadSelector={"labels": {"app": "copy2"}})
    assert runner.run(asked(rig, outside)).pod == "copy2"


def test_a_namespace_that_it_is_not_exported_to_does_not_know_it(rig: Rig, runner: asyncio.Runner) -> None:
    outside = entry(resolution="STATIC", endpoints=[{"address": rig.addresses["cart"]}], exportTo=["."])
    assert runner.run(asked(rig, outside)).status == 200
    assert runner.run(asked(rig, outside, caller="stranger")).status == 502


async def test_names_are_resolved_by_the_daemon_and_never_by_envoy() -> None:
    names = HostNames()
    assert names.pause is None
    await names.follow(["localhost", "no-such-name.invalid"])
    assert names.addresses["localhost"] == ("127.0.0.1",)
    assert names.addresses["no-such-name.invalid"] == ()
    assert not await names.refresh()
    await names.follow([])
    assert not names.addresses


def test_what_was_resolved_becomes_endpoints(rig: Rig) -> None:
    for outside, name in (
        (entry(resolution="DNS"), HOST),
        (entry(), HOST),
        (entry(resolution="DNS", endpoints=[{"address": "a.example.com"}]), "a.example.com"),
    ):
        world = World.build(1, [typed(each, age) for age, each in enumerate([*rig.around(), outside])])
        assert world.entries[0].names == (name,)
        world = replace(world, addresses={name: ("192.0.2.1", "192.0.2.2")})
        found = compile(world, rig.settings).endpoints[f"outbound|80||{HOST}"]
        assert [(item.address, item.port) for item in found] == [("192.0.2.1", 7000), ("192.0.2.2", 7000)]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"hosts": []}, "spec.hosts"),
        ({"hosts": ["*"]}, "spec.hosts[0]"),
        ({"ports": [{"number": 80, "name": "http", "protocol": "HTPP"}]}, "spec.ports[0].protocol"),
        ({"resolution": "STATIC"}, "spec.endpoints"),
        ({"resolution": "STATIC", "endpoints": [{"address": "a.example.com"}]}, "spec.endpoints[0].address"),
        ({"resolution": "DNS", "endpoints": [{"address": "a.b", "ports": {"x": 1}}]}, "spec.endpoints[0].ports[x]"),
        ({"resolution": "MAYBE"}, "spec.resolution"),
        ({"location": "HERE"}, "spec.location"),
    ],
)
def test_a_wrong_entry_is_refused_at_its_field(change: Json, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(entry(**change))
    assert path in [error.path for error in caught.value.errors]


def test_an_endpoint_with_more_weight_gets_more(rig: Rig, runner: asyncio.Runner) -> None:
    addresses = [rig.addresses["cart"], rig.addresses["copy"]]
    endpoints = [{"address": address, "weight": weight} for address, weight in zip(addresses, (1, 50), strict=True)]

    async def play() -> list[str]:
        await rig.apply([*rig.around(), entry(resolution="STATIC", endpoints=endpoints)])
        request = Request("mesh", HOST, 80, "GET", "/x", "", (), authority=HOST)
        try:
            return [(await rig.ask(request, "caller"))[1].pod for _ in range(102)]
        finally:
            await rig.hang_up()

    found = runner.run(play())
    assert found.count("copy") > 2 * found.count("cart")
