"""Drawn systems for the isolation tests: who calls whom, and what the branches change.

Every program reports who it is and what its own calls answered, so that an answer names each workload that the
request has touched. Some programs propagate nothing. What must come out is worked out by a few lines of plain Python
that know nothing of Envoy (`System.expected`).
"""

import asyncio
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.routing.world import World
from tests.support.http import Answer, read_head
from tests.support.objects import Body, body, branch, pod, rule, service, to
from tests.support.worlds import typed

REQUESTS = int(os.environ.get("ISOLATION_REQUESTS", "2000"))
REQUESTS_A_SYSTEM = 40
AT_ONCE = 8
SERVICES = ("front", "s1", "s2", "s3", "s4")
BRANCHES = ("ann", "bob", "cyd", "dan")
BASELINE = "v1"
WORKLOADS = tuple(f"{name}-{owner}" for name in SERVICES for owner in (BASELINE, *BRANCHES))
PROPAGATED = {"all": ("x-branch", "baggage"), "baggage": ("baggage",), "nothing": ()}


class Client(StrEnum):
    """How a program calls another. Only pods with network namespaces can do without a proxy."""

    PROXY = "proxy"
    NAME = "name"
    FULL_NAME = "full name"
    ADDRESS = "address"
    BYTES = "bytes"


WITHOUT_A_PROXY = (Client.NAME, Client.FULL_NAME, Client.ADDRESS, Client.BYTES)


@dataclass(frozen=True)
class System:
    """One system.

    `calls` names what each service calls, and how. `includes` has only branches that come earlier in BRANCHES;
    the last that forks a service wins. `unready` are forks (branch, service) that are not ready, `ruled` the services
    that have a VirtualService.
    """

    calls: Mapping[str, Mapping[str, Client]]
    propagates: Mapping[str, str]
    forks: Mapping[str, frozenset[str]]
    unready: frozenset[tuple[str, str]]
    includes: Mapping[str, tuple[str, ...]]
    fallback: Mapping[str, str]
    ruled: frozenset[str]

    def owner(self, entered: str, name: str) -> str:
        """Whose fork of a service is seen in a branch, "" for the baseline's."""
        owner = ""
        for included in self.includes[entered]:
            owner = self.owner(included, name) or owner
        return entered if name in self.forks[entered] else owner

    def expected(self, name: str, context: str, client: Client = Client.NAME) -> Any:
        """The answer of a service that is called in this branch ("" for none)."""
        owner = self.owner(context, name) if context else ""
        if owner and (owner, name) in self.unready:
            if self.fallback[context] == "fail":
                return {"closed": name} if client is Client.BYTES else {"refused": [context, name]}
            owner = ""
        propagated = client is not Client.BYTES and self.propagates[name] != "nothing"
        onward = context if propagated else owner
        return {
            "workload": f"{name}-{owner or BASELINE}",
            "calls": [
                # Bytes carry no headers: all that can be known of such a call is which pod has made it.
                self.expected(callee, owner if how is Client.BYTES else onward, how)
                for callee, how in self.calls[name].items()
            ],
        }


@st.composite
def systems(draw: st.DrawFn, clients: tuple[Client, ...]) -> System:
    calls = {}
    for number, name in enumerate(SERVICES):
        # Only services further on are called, so that no call comes back.
        further = SERVICES[number + 1 :]
        callees = draw(st.lists(st.sampled_from(further), unique=True, max_size=2)) if further else ()
        calls[name] = {callee: draw(st.sampled_from(clients)) for callee in callees}
    some = st.frozensets(st.sampled_from(SERVICES), max_size=3)
    forks = {name: draw(some) for name in BRANCHES}
    includes = {
        name: tuple(draw(st.lists(st.sampled_from(BRANCHES[:number]), unique=True, max_size=2))) if number else ()
        for number, name in enumerate(BRANCHES)
    }
    all_forks = sorted((owner, name) for owner, names in forks.items() for name in names)
    return System(
        calls={**calls, "front": calls["front"] or {"s1": clients[0]}},
        propagates={name: draw(st.sampled_from(sorted(PROPAGATED))) for name in SERVICES},
        forks=forks,
        unready=draw(st.frozensets(st.sampled_from(all_forks), max_size=2)) if all_forks else frozenset(),
        includes=includes,
        fallback={name: draw(st.sampled_from(("fail", "baseline"))) for name in BRANCHES},
        ruled=draw(some),
    )


# How a request can enter a branch, as headers and a query; `%s` stands for the branch's name.
WAYS_IN: tuple[tuple[dict[str, str], str], ...] = (
    ({"cookie": "theme=dark; user=%s"}, "/"),
    ({"baggage": "tenant=7,branch=%s;since=1"}, "/"),
    ({"host": "%s.localhost:8080"}, "/"),
    ({"x-dev": "%s"}, "/"),
    ({}, "/?a=1&view=%s"),
)
# Requests that look like it and must enter none.
OUTSIDERS: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "/"),
    ({"cookie": "user=nobody; superuser=ann"}, "/"),
    ({"x-branch": "ann"}, "/"),
    ({"x-branch": "bob", "baggage": "other=bob"}, "/?view="),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request at the gateway and the branch that it enters, "" for none."""

    entered: str
    headers: Mapping[str, str]
    target: str

    @classmethod
    def number(cls, number: int) -> "Request":
        """Every third request is an outsider's; all branches and all ways in take turns."""
        entered = BRANCHES[number % len(BRANCHES)] if number % 3 else ""
        ways = WAYS_IN if entered else OUTSIDERS
        headers, target = ways[number % len(ways)]
        filled = {name: value.replace("%s", entered) for name, value in headers.items()}
        return cls(entered, filled, target.replace("%s", entered))


class Programs(ABC):
    """The programs of all workloads. `serve` and `serve_bytes` handle the connections of one."""

    def __init__(self) -> None:
        self.system: System | None = None

    @abstractmethod
    async def ask(self, workload: str, callee: str, client: Client, headers: Mapping[str, str]) -> Answer:
        """One HTTP request of a workload's to a service."""

    @abstractmethod
    async def ask_bytes(self, workload: str, callee: str) -> bytes:
        """All that a service sends to a connection without HTTP, nothing when it is closed or reset."""

    async def serve(self, workload: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_head(reader):
            answer = json.dumps(await self._answer(workload, request[1])).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
            await writer.drain()

    async def serve_bytes(self, workload: str, writer: asyncio.StreamWriter) -> None:
        """A protocol in which the server speaks first."""
        writer.write(json.dumps(await self._answer(workload, {})).encode())
        await writer.drain()

    async def _answer(self, workload: str, headers: Mapping[str, str]) -> Any:
        assert self.system is not None
        name = workload.partition("-")[0]
        propagated = {key: headers[key] for key in PROPAGATED[self.system.propagates[name]] if key in headers}
        calls = [
            await self._call(workload, callee, client, propagated) for callee, client in self.system.calls[name].items()
        ]
        return {"workload": workload, "calls": calls}

    async def _call(self, workload: str, callee: str, client: Client, headers: Mapping[str, str]) -> Any:
        assert self.system is not None
        if client is Client.BYTES:
            text = await self.ask_bytes(workload, callee)
            return json.loads(text) if text else {"closed": callee}
        answer = await self.ask(workload, callee, client, headers)
        if callee in self.system.ruled and answer.status == 200:
            assert answer.headers["x-team"] == callee
        return read_answer(answer)


def read_answer(answer: Answer) -> Any:
    """An answer in the terms of `System.expected`."""
    sent = json.loads(answer.body)
    return {"refused": [sent["branch"], sent["service"]]} if answer.status == 503 else sent


def workload_pod(workload: str, address: str) -> Body:
    """The pod of a workload: the baseline's, or the fork of a branch."""
    name, _, owner = workload.partition("-")
    labels = {"app": name, "branch": "baseline", "version": "v1"}
    if owner != BASELINE:
        labels |= {BRANCH_LABEL: owner, SERVICE_LABEL: name}
    return pod(workload, address, **labels)  # type: ignore[arg-type]


def build_world(version: int, system: System, services: list[Body], pods: Mapping[str, Body]) -> World:
    """The objects of a system. `pods` are those of all workloads; a fork's pod that no branch has is an orphan's."""
    # A Service with several ports is only reached with the port's number.
    front = {"route": [{"destination": {"host": "front", "port": {"number": 7000}}}]}
    gateway_port = {"number": 80, "name": "http", "protocol": "HTTP"}
    objects: list[Body] = [
        *services,
        body("Gateway", "door", servers=[{"port": gateway_port, "hosts": ["*"]}]),
        rule("door", "*", front, gateways=["door"]),
    ]
    for name in sorted(system.ruled):
        team = {"response": {"set": {"x-team": name}}}
        objects.append(rule(f"team-{name}", name, to(name, headers=team, timeout="20s")))
    for workload, raw in pods.items():
        name, _, owner = workload.partition("-")
        ready = "False" if (owner, name) in system.unready else "True"
        objects.append({**raw, "status": {**raw["status"], "conditions": [{"type": "Ready", "status": ready}]}})
    objects += [_branch(system, name) for name in BRANCHES]
    return World.build(version, [typed(raw, 0) for raw in objects])


def baseline_service(name: str) -> Body:
    return service(name, app=name, branch="baseline")


def _branch(system: System, name: str) -> Body:
    forks: dict[str, Body] = {fork: {"fork": {}} for fork in sorted(system.forks[name])}
    if not forks and not system.includes[name]:
        # A branch must change something.
        forks = {"nowhere": {"version": "v9"}}
    enter: list[Body] = [
        {"cookie": {"name": "user", "value": name}},
        {"header": {"name": "X-Dev", "value": name}},
        {"query": {"name": "view", "value": name}},
    ]
    includes = list(system.includes[name])
    return branch(name, enter=enter, services=forks, includes=includes, fallback=system.fallback[name])


Check = Callable[[System, int], Awaitable[None]]


def check_drawn_systems(
    clients: tuple[Client, ...], program: Check, ask: Callable[[Request], Awaitable[Answer]]
) -> None:
    """Draws systems until REQUESTS requests were made; fails at the first wrong answer.

    `program(system, version)` brings Envoy to a system, `ask` makes a request at the gateway.
    """
    loop = asyncio.get_event_loop_policy().get_event_loop()
    version = 0

    async def check_one(system: System, request: Request) -> None:
        answer = await ask(request)
        assert read_answer(answer) == system.expected("front", request.entered), request
        assert answer.headers.get("x-branch", "").partition(";")[0] == request.entered

    async def check(system: System) -> None:
        nonlocal version
        version += 1
        await program(system, version)
        for first in range(0, REQUESTS_A_SYSTEM, AT_ONCE):
            requests = [Request.number(number) for number in range(first, first + AT_ONCE)]
            await asyncio.gather(*(check_one(system, request) for request in requests))

    @settings(
        max_examples=max(1, REQUESTS // REQUESTS_A_SYSTEM),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(systems(clients))
    def run(system: System) -> None:
        loop.run_until_complete(check(system))

    run()
