"""Istio's own tasks, with the rig's services in the place of bookinfo's: `shop` is reviews, `cart` ratings.

Each applies the manifests that the task prints, other names apart, and looks at what its reader is told to see.
Left out: locality load balancing (one machine is one locality), authentication policy and JWT (not here), and the
ingress of a Kubernetes Gateway API. Secure ingress and TCP shifting are in test_gateway, egress in
test_service_entry, authorization in test_authorization.
"""

import asyncio
from collections import Counter
from typing import Any

from tests.conformance.reference import Request
from tests.conformance.rig import Observed, Rig, istio

Json = dict[str, Any]
HOST = "shop.mesh.svc.cluster.local"


def asked(**headers: str) -> Request:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request("mesh", "shop", 7000, "GET", "/", "", pairs, "mesh", {"app": "caller"}, "shop:7000")


def to(host: str, subset: str = "", **more: Any) -> Json:
    return {"destination": {"host": host, **({"subset": subset} if subset else {})}, **more}


def shop(*http: Json) -> Json:
    return istio("VirtualService", "shop", {"hosts": ["shop"], "http": list(http)})


async def seen(rig: Rig, objects: list[Json], *requests: Request) -> list[Observed]:
    kept = [item for item in rig.around() if item["kind"] != "DestinationRule" or not _replaces(objects, item)]
    await rig.apply([*kept, *objects])
    try:
        return [(await rig.ask(request, "caller"))[1] for request in requests]
    finally:
        await rig.hang_up()


def _replaces(objects: list[Json], held: Json) -> bool:
    return any(item["kind"] == held["kind"] and item["metadata"] == held["metadata"] for item in objects)


def pods(found: list[Observed]) -> list[str]:
    return [item.pod for item in found]


JASON = {"headers": {"end-user": {"exact": "jason"}}}


def test_request_routing_to_one_version(rig: Rig, runner: asyncio.Runner) -> None:
    found = runner.run(seen(rig, [shop({"route": [to("shop", "v1")]})], *[asked()] * 6))
    assert set(pods(found)) == {"shop-v1"}


def test_request_routing_by_who_the_user_is(rig: Rig, runner: asyncio.Runner) -> None:
    rule = shop({"match": [JASON], "route": [to("shop", "v2")]}, {"route": [to("shop", "v1")]})
    found = runner.run(seen(rig, [rule], asked(end_user="jason"), asked(end_user="fox"), asked()))
    assert pods(found) == ["shop-v2", "shop-v1", "shop-v1"]


def test_fault_injection_of_an_abort(rig: Rig, runner: asyncio.Runner) -> None:
    fault = {"abort": {"httpStatus": 500, "percentage": {"value": 100}}}
    rule = shop({"match": [JASON], "fault": fault, "route": [to("shop", "v1")]}, {"route": [to("shop", "v1")]})
    found = runner.run(seen(rig, [rule], asked(end_user="jason"), asked()))
    assert [item.status for item in found] == [500, 200]
    assert found[0].body == "fault filter abort"


def test_fault_injection_of_a_delay_and_a_caller_s_timeout(rig: Rig, runner: asyncio.Runner) -> None:
    """The delay is the callee's, the timeout that of the route before it: here by a second hop through the mesh."""
    fault = {"delay": {"fixedDelay": "0.05s", "percentage": {"value": 100}}}
    rule = shop({"match": [JASON], "fault": fault, "route": [to("shop", "v1")]}, {"route": [to("shop", "v1")]})

    async def play() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        await seen(rig, [rule])
        begun = loop.time()
        _, found = await rig.ask(asked(end_user="jason"), "caller")
        await rig.hang_up()
        return loop.time() - begun, found.status

    took, status = runner.run(play())
    assert status == 200
    # A lower bound holds on any machine.
    assert took >= 0.04


def test_traffic_shifting(rig: Rig, runner: asyncio.Runner) -> None:
    rule = shop({"route": [to("shop", "v1", weight=50), to("shop", "v2", weight=50)]})
    counted = Counter(pods(runner.run(seen(rig, [rule], *[asked()] * 200))))
    assert counted.total() == 200
    # Beyond six standard deviations it would be no chance any more.
    assert 55 < counted["shop-v1"] < 145
    all_of_it = shop({"route": [to("shop", "v1", weight=0), to("shop", "v2", weight=100)]})
    assert set(pods(runner.run(seen(rig, [all_of_it], *[asked()] * 10)))) == {"shop-v2"}


def test_mirroring(rig: Rig, runner: asyncio.Runner) -> None:
    rule = shop(
        {"route": [to("shop", "v1", weight=100)], "mirror": {"host": "shop", "subset": "v2"}}
        | {"mirrorPercentage": {"value": 100.0}}
    )

    async def play() -> tuple[str, list[str]]:
        await seen(rig, [rule])
        case, found = await rig.ask(asked(), "caller")
        reached = await rig.reached(case, 2)
        await rig.hang_up()
        return found.pod, sorted(reached)

    assert runner.run(play()) == ("shop-v1", ["shop-v1", "shop-v2"])


def test_circuit_breaking(rig: Rig, runner: asyncio.Runner) -> None:
    """One connection, one waiting request: of many at once, some are answered 503 at once."""
    policy = {
        "connectionPool": {
            "tcp": {"maxConnections": 1},
            "http": {"http1MaxPendingRequests": 1, "maxRequestsPerConnection": 1},
        },
        "outlierDetection": {
            "consecutive5xxErrors": 1,
            "interval": "1s",
            "baseEjectionTime": "3m",
            "maxEjectionPercent": 100,
        },
    }
    breaker = istio("DestinationRule", "cart", {"host": "cart", "trafficPolicy": policy})
    host = "cart:7000"
    request = Request("mesh", "cart", 7000, "GET", "/", "", (), "mesh", {"app": "caller"}, host)

    async def play() -> Counter[int]:
        await seen(rig, [breaker])
        rig.hold.clear()
        try:
            calls = [asyncio.create_task(rig.ask_alone(request, "caller")) for _ in range(6)]
            # With one under way and one waiting, the others are refused without having been held.
            refused = 0
            while refused < 4:
                done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                refused = len(done)
                if refused < 4:
                    await asyncio.sleep(0.001)
        finally:
            rig.hold.set()
        found = Counter([item.status for item in await asyncio.gather(*calls)])
        await rig.hang_up()
        return found

    found = runner.run(play())
    assert found.total() == 6
    # The first waits for its connection; whether a second may wait beside it is a matter of moments.
    assert found[200] in (1, 2)
    assert found[503] == 6 - found[200]


def test_request_timeouts(rig: Rig, runner: asyncio.Runner) -> None:
    rule = shop({"route": [to("shop", "v2")], "timeout": "0.05s"})

    async def play() -> int:
        await seen(rig, [rule])
        rig.hold.clear()
        try:
            _, found = await rig.ask(asked(), "caller")
        finally:
            rig.hold.set()
        await rig.hang_up()
        return found.status

    assert runner.run(play()) == 504


def test_commands_of_envoy_in_a_header_are_followed_and_a_percent_sign_is_written_twice(
    rig: Rig, runner: asyncio.Runner
) -> None:
    said = {"x-port": "%DOWNSTREAM_LOCAL_PORT%", "x-time": "t=%START_TIME(%s)%", "x-sure": "100%% sure, 50%%"}
    rule = shop({"route": [to("shop")], "headers": {"request": {"set": said}}})
    (found,) = runner.run(seen(rig, [rule], asked()))
    assert (found.sent["x-port"], found.sent["x-sure"]) == ("15001", "100% sure, 50%")
    assert found.sent["x-time"].removeprefix("t=").isdigit()


def test_ingress_by_host_and_prefix(rig: Rig, runner: asyncio.Runner) -> None:
    """A Gateway for one host, a rule with two prefixes: everything else is 404."""
    match = [{"uri": {"prefix": "/status"}}, {"uri": {"prefix": "/delay"}}]
    spec = {
        "hosts": ["httpbin.example.com"],
        "gateways": ["door"],
        "http": [{"match": match, "route": [{"destination": {"port": {"number": 7000}, "host": "cart"}}]}],
    }

    async def play() -> list[int]:
        await seen(rig, [istio("VirtualService", "httpbin", spec)])
        found = []
        for host, path in (
            ("httpbin.example.com", "/status/200"),
            ("httpbin.example.com", "/headers"),
            ("other.example.com", "/status/200"),
        ):
            request = Request("mesh/door", host, 80, "GET", path, "", (), authority=host)
            found.append((await rig.ask(request, "gateway"))[1].status)
        await rig.hang_up()
        return found

    assert runner.run(play()) == [200, 404, 404]
