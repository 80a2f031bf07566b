"""Nobody meets a workload that is not theirs: drawn sets of branches and call graphs, through a real Envoy.

Every program reports who it is and what its own calls answered, so that an answer names each workload that the
request has touched. Some programs pass nothing on. What must come out is worked out by a few lines of plain Python
that know nothing of Envoy.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh.envoy.data_plane import DataPlane
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.meta import Resource
from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.world import MeshSettings, World
from tests.support.data_plane import Place
from tests.support.http import ask, read_head
from tests.support.objects import Body, body, branch, pod, rule, service, to
from tests.support.server import Server

REQUESTS = int(os.environ.get("ISOLATION_REQUESTS", "2000"))
REQUESTS_A_DRAW = 40
SERVICES = ("front", "s1", "s2", "s3", "s4")
BRANCHES = ("ann", "bob", "cyd", "dan")
PASSED_ON = {"all": ("x-branch", "baggage"), "baggage": ("baggage",), "nothing": ()}


@dataclass(frozen=True)
class Drawn:
    """One system: who calls whom, what each service's programs pass on, and what the branches change."""

    calls: Mapping[str, tuple[str, ...]]
    passes: Mapping[str, str]
    forks: Mapping[str, frozenset[str]]
    unready: frozenset[tuple[str, str]]
    includes: Mapping[str, tuple[str, ...]]
    fallback: Mapping[str, str]
    ruled: frozenset[str]

    def owner(self, entered: str, name: str) -> str:
        """Whose fork of a service is seen in a branch, "" for the baseline's."""
        found = ""
        for included in self.includes[entered]:
            found = self.owner(included, name) or found
        return entered if name in self.forks[entered] else found

    def expected(self, name: str, context: str) -> Any:
        """What a call of a service answers that is made in this branch ("" for none)."""
        whose = self.owner(context, name) if context else ""
        if whose and (whose, name) in self.unready:
            if self.fallback[context] == "fail":
                return {"refused": [context, name]}
            whose = ""
        workload = f"{name}-{whose or 'v1'}"
        passed = self.passes[name]
        onward = context if passed != "nothing" else whose
        return {"workload": workload, "calls": [self.expected(callee, onward) for callee in self.calls[name]]}


@st.composite
def systems(draw: st.DrawFn) -> Drawn:
    calls = {
        name: tuple(draw(st.lists(st.sampled_from(SERVICES[number + 1 :]), unique=True, max_size=2)))
        if number + 1 < len(SERVICES)
        else ()
        for number, name in enumerate(SERVICES)
    }
    some = st.frozensets(st.sampled_from(SERVICES), max_size=3)
    forks = {name: draw(some) for name in BRANCHES}
    includes = {
        name: tuple(draw(st.lists(st.sampled_from(BRANCHES[:number]), unique=True, max_size=2))) if number else ()
        for number, name in enumerate(BRANCHES)
    }
    made = sorted((name, each) for name, held in forks.items() for each in held)
    return Drawn(
        calls={**calls, "front": calls["front"] or ("s1",)},
        passes={name: draw(st.sampled_from(sorted(PASSED_ON))) for name in SERVICES},
        forks=forks,
        unready=draw(st.frozensets(st.sampled_from(made), max_size=2)) if made else frozenset(),
        includes=includes,
        fallback={name: draw(st.sampled_from(("fail", "baseline"))) for name in BRANCHES},
        ruled=draw(some),
    )


# How a request can come in, as headers and a query; `""` stands for a branch's name.
WAYS: tuple[tuple[dict[str, str], str], ...] = (
    ({"cookie": "theme=dark; user=%s"}, "/"),
    ({"baggage": "tenant=7,branch=%s;since=1"}, "/"),
    ({"host": "%s.localhost:8080"}, "/"),
    ({"x-dev": "%s"}, "/"),
    ({}, "/?a=1&view=%s"),
)
OUTSIDERS: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "/"),
    ({"cookie": "user=nobody; superuser=ann"}, "/"),
    ({"x-branch": "ann"}, "/"),
    ({"x-branch": "bob", "baggage": "other=bob"}, "/?view="),
)


@dataclass
class Programs:
    """A server for every workload that there can be."""

    place: Place
    drawn: Drawn | None = None
    addresses: dict[str, str] = field(default_factory=dict)

    async def start(self, stack: AsyncExitStack) -> None:
        for name in SERVICES:
            for whose in ("v1", *BRANCHES):
                workload = f"{name}-{whose}"
                address = self.addresses[workload] = self.place.address()

                async def serve(
                    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, own: str = workload
                ) -> None:
                    await self.serve(own, reader, writer)

                server = await Server.start(serve, address, 7000)
                stack.push_async_callback(server.stop)

    async def serve(self, workload: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_head(reader):
            answer = json.dumps(await self.answer(workload, request[1])).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
            await writer.drain()

    async def answer(self, workload: str, headers: Mapping[str, str]) -> Any:
        assert self.drawn is not None
        name = workload.partition("-")[0]
        passed = {key: headers[key] for key in PASSED_ON[self.drawn.passes[name]] if key in headers}
        calls = []
        for callee in self.drawn.calls[name]:
            host = {"host": f"{callee}:7000", **passed}
            got = await ask(self.addresses[workload], 15001, f"http://{callee}:7000/", **host)
            calls.append(_read(got.status, got.body))
            if callee in self.drawn.ruled and got.status == 200:
                assert got.headers["x-team"] == callee
        return {"workload": workload, "calls": calls}


def _read(status: int, text: str) -> Any:
    found = json.loads(text)
    return {"refused": [found["branch"], found["service"]]} if status == 503 else found


def world(drawn: Drawn, addresses: Mapping[str, str]) -> World:
    objects: list[Body] = [service(name, app=name, branch="baseline") for name in SERVICES]
    gateway_port = {"number": 80, "name": "http", "protocol": "HTTP"}
    objects.append(body("Gateway", "door", servers=[{"port": gateway_port, "hosts": ["*"]}]))
    objects.append(rule("door", "*", to("front"), gateways=["door"]))
    for name in sorted(drawn.ruled):
        team = {"response": {"set": {"x-team": name}}}
        objects.append(rule(f"team-{name}", name, to(name, headers=team, timeout="20s")))
    for workload, address in addresses.items():
        name, _, whose = workload.partition("-")
        labels = {"app": name, "branch": "baseline", "version": "v1"}
        if whose != "v1":
            labels = {**labels, "meshmall.dev/branch": whose, "meshmall.dev/service": name}
        made = pod(workload, address, ready=(whose, name) not in drawn.unready, **labels)
        objects.append(made)
    for name in BRANCHES:
        forks: dict[str, Body] = {each: {"fork": {}} for each in sorted(drawn.forks[name])}
        if not forks and not drawn.includes[name]:
            forks = {"nowhere": {"version": "v9"}}
        pair = {"name": "user", "value": name}
        enter: list[Body] = [
            {"cookie": pair},
            {"header": {"name": "X-Dev", "value": name}},
            {"query": {"name": "view", "value": name}},
        ]
        objects.append(
            branch(
                name,
                enter=enter,
                services=forks,
                includes=list(drawn.includes[name]),
                fallback=drawn.fallback[name],
            )
        )
    return World.build(1, [_typed(each) for each in objects])


def _typed(raw: Body) -> Resource:
    definition = REGISTRY.by_kind(raw["apiVersion"].rpartition("/")[0], raw["kind"])
    assert definition is not None
    return msgspec.convert(raw, definition.type)


@pytest.fixture
async def programs(place: Place) -> AsyncIterator[Programs]:
    async with AsyncExitStack() as stack:
        held = Programs(place)
        await held.start(stack)
        yield held


def test_no_request_touches_a_workload_that_is_not_its_own(plane: DataPlane, programs: Programs, place: Place) -> None:
    loop = asyncio.get_event_loop_policy().get_event_loop()
    address = place.address()
    port = place.free_port(address)
    mesh = MeshSettings(gateway_address=address, node_address=address, ports={80: port})

    async def one(drawn: Drawn, number: int) -> None:
        entered = BRANCHES[number % len(BRANCHES)] if number % 3 else ""
        ways = WAYS if entered else OUTSIDERS
        headers, target = ways[number % len(ways)]
        filled = {key: value.replace("%s", entered) for key, value in headers.items()}
        answer = await ask(address, port, target.replace("%s", entered), **filled)
        assert _read(answer.status, answer.body) == drawn.expected("front", entered), (entered, headers, target)
        assert answer.headers.get("x-branch", "").partition(";")[0] == entered

    async def check(drawn: Drawn) -> None:
        programs.drawn = drawn
        assert not await plane.apply(compile(world(drawn, programs.addresses), mesh))
        for first in range(0, REQUESTS_A_DRAW, 8):
            await asyncio.gather(*(one(drawn, number) for number in range(first, first + 8)))

    @settings(
        max_examples=max(1, REQUESTS // REQUESTS_A_DRAW),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(systems())
    def run(drawn: Drawn) -> None:
        loop.run_until_complete(check(drawn))

    run()
