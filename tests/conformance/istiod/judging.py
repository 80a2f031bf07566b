"""Requests asked of istiod's Envoy, of ours, of the interpreter and of `meshmall route`, and where they differ."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mesh.resources.values.problems import Invalid
from mesh.routing.explain.dry_run import Caller, decide
from mesh.routing.explain.request import HttpRequest
from mesh.routing.model.route import Forward
from tests.conformance.istiod.answers import Answer, answer_of
from tests.conformance.istiod.oracle import Oracle, Rejected
from tests.conformance.istiod.second_envoy import FIRST_PORT, Doors, Placed, SecondEnvoy, placed
from tests.conformance.istiod.worlds import World, around, cluster_ip, proxies, request_of, told
from tests.conformance.reference import Reference, Request
from tests.conformance.rig import ANSWER_HEADERS, CASE, Observed, Rig
from tests.conformance.test_virtual_service import differs
from tests.support.http import read_message

Json = dict[str, Any]
BATCH = 20
# How often a request is made to see every answer: weights and shares are random, and so is which of two pods is asked.
# Where an answer is missing that was given here, the request is made `MORE_TURNS` times again.
TURNS, RANDOM_TURNS, MORE_TURNS = 2, 20, 80
SEVERAL_PODS = ("shop-v1", "shop-v2", "cart", "copy")
DEADLINE = 30.0
KNOWN_TO_INTERPRETER = ("VirtualService",)


@dataclass(frozen=True, slots=True)
class Row:
    """One request of a world, and every answer that istiod's Envoy gave it."""

    world: World
    number: int
    answers: tuple[Answer, ...]

    @property
    def drawn(self) -> Json:
        asked: Json = self.world.requests[self.number]
        return asked


@dataclass(frozen=True, slots=True)
class Difference:
    """`who` answered otherwise than istiod: "envoy", "interpreter", "route", "validation"."""

    who: str
    world: World
    request: Json
    istiod: str
    here: str


class Istiod:
    """istiod's answers, a batch of worlds at a time."""

    def __init__(self, rig: Rig, oracle: Oracle, second: SecondEnvoy, address: str) -> None:
        self._rig, self._oracle, self._second, self._address = rig, oracle, second, address
        self._open: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._doors: Doors = {}

    async def rows(self, worlds: Sequence[World]) -> AsyncIterator[tuple[World, list[Row] | str]]:
        """Every world with its answers, or with the words in which istiod rejects it."""
        for start in range(0, len(worlds), BATCH):
            batch: list[tuple[World, Placed]] = []
            port = FIRST_PORT
            for world in worlds[start : start + BATCH]:
                kubernetes, istio = told(self._rig, around(self._rig, world))
                try:
                    answer = await self._oracle.ask(kubernetes, istio, proxies(self._rig))
                except Rejected as problem:
                    yield world, str(problem)
                    continue
                part = placed(answer, self._address, port, f"{len(batch)}/")
                port += len(part.doors)
                batch.append((world, part))
            await self._second.run([part for _, part in batch])
            for world, part in batch:
                self._doors = part.doors
                yield world, [row async for row in self._asked(world, part.doors)]
            self._hang_up()

    async def _asked(self, world: World, doors: Doors) -> AsyncIterator[Row]:
        objects = around(self._rig, world)
        for number, drawn in enumerate(world.requests):
            request, proxy = request_of(drawn, 80)
            port = door(doors, proxy, request, objects)
            answers: dict[str, Answer] = {}
            turns = RANDOM_TURNS if world.random else TURNS
            while turns > 0:
                # Where no listener is, the connection goes nowhere; here a proxy answers that.
                answer = answer_of(await self._ask(request, port)) if port else Answer(502)
                if not answers and answer.pod in SEVERAL_PODS:
                    turns = RANDOM_TURNS
                answers.setdefault(str(answer), answer)
                turns -= 1
                # Both pods have been seen, and nothing else is left to chance.
                if not world.random and len(answers) > 1:
                    break
            yield Row(world, number, tuple(answers.values()))

    async def more(self, row: Row) -> Row:
        """The same request again, many times: what is left to chance may have been missed. Of the last world alone."""
        request, proxy = request_of(row.drawn, 80)
        port = door(self._doors, proxy, request, around(self._rig, row.world))
        answers = {str(answer): answer for answer in row.answers}
        for _ in range(MORE_TURNS if port else 0):
            answer = answer_of(await self._ask(request, port))
            answers.setdefault(str(answer), answer)
        return replace(row, answers=tuple(answers.values()))

    async def _ask(self, request: Request, port: int) -> Observed:
        async with asyncio.timeout(DEADLINE):
            if port not in self._open:
                self._open[port] = await asyncio.open_connection(self._address, port)
            reader, writer = self._open[port]
            lines = [f"{request.method} {request.target} HTTP/1.1", f"host: {request.authority}", f"{CASE}: istiod"]
            lines += [f"{name}: {value}" for name, value in request.headers]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            try:
                status, headers, body = await read_message(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                self._open.pop(port)[1].close()
                return Observed(0, {}, "")
        if headers.get("connection") == "close":
            self._open.pop(port)[1].close()
        return Observed.read(int(status.split(" ")[1]), headers, body)

    def _hang_up(self) -> None:
        for _, writer in self._open.values():
            writer.close()
        self._open.clear()


def door(doors: Doors, proxy: str, request: Request, objects: Sequence[Json]) -> int:
    """Which of istiod's listeners a request comes to: that of the Service's own address, or of every address; 0 for
    none."""
    ips = _addresses(request, objects)
    for address in (*ips, "0.0.0.0"):
        if port := doors.get((proxy, f"{address}_{request.port}")):
            return port
    return 0


def _addresses(request: Request, objects: Sequence[Json]) -> Iterator[str]:
    if request.place != "mesh":
        return
    name = request.authority.rpartition(":")[0]
    for age, body in enumerate(objects):
        if body["kind"] == "Service":
            meta = body["metadata"]
            full = f"{meta['name']}.{meta['namespace']}.svc.cluster.local"
            short = meta["name"] if meta["namespace"] == request.namespace else full
            if name in (full, short):
                yield body["spec"].get("clusterIP") or cluster_ip(age)


class Ours:
    """What is compared with istiod's answers: our Envoy, the interpreter, `route`. `more` asks istiod again."""

    def __init__(self, rig: Rig, more: Callable[[Row], Awaitable[Row]] | None = None) -> None:
        self._rig, self._more = rig, more
        self._pods = {address: name for name, address in rig.addresses.items()}

    async def differences(self, world: World, rows: Sequence[Row], *, envoy: bool = True) -> AsyncIterator[Difference]:
        """`envoy`: our Envoy is asked, too."""
        objects = around(self._rig, world)
        try:
            await self._rig.apply(objects) if envoy else self._rig.compile(objects)
        except Invalid as problem:
            yield Difference("validation", world, {}, "accepted", str(problem))
            return
        known = all(body["kind"] in KNOWN_TO_INTERPRETER for body in world.objects)
        reference = Reference(objects, ANSWER_HEADERS) if known else None
        for row in rows:
            request, proxy = request_of(row.drawn, 8080)
            istiods = " | ".join(str(answer.recorded()) for answer in row.answers)
            if envoy and (here := await self._by_envoy(row, request, proxy)):
                yield Difference("envoy", world, row.drawn, istiods, here)
            if reference is not None and (here := _by_interpreter(reference, request_of(row.drawn, 80)[0], row)):
                yield Difference("interpreter", world, row.drawn, istiods, here)
            if here := self._by_route(request, proxy, row):
                yield Difference("route", world, row.drawn, istiods, here)
        if envoy:
            await self._rig.hang_up()

    async def _by_envoy(self, row: Row, request: Request, proxy: str) -> str:
        _, observed = await self._rig.ask(request, proxy)
        answer = answer_of(observed)
        if answer not in row.answers and len(row.answers) > 1 and self._more is not None:
            row = await self._more(row)
        return "" if answer in row.answers else str(answer.recorded())

    def _by_route(self, request: Request, proxy: str, row: Row) -> str:
        """What `meshmall route` says, where none of the answers is like it."""
        name = f"sidecar|{request.namespace}/{proxy}" if request.place == "mesh" else f"gateway|{request.port}"
        snapshot = self._rig.snapshot
        listener = snapshot.listeners[name]
        asked = HttpRequest(request.authority, request.method, request.path, request.query, request.headers)
        route = decide(snapshot, Caller(listener, listener.source), asked).route
        if route is None:
            return "" if any(answer.status == 404 for answer in row.answers) else "no row"
        possible: set[tuple[int, str]] = set()
        if route.fault is not None and route.fault.abort_percent and route.fault.abort_status:
            possible.add((route.fault.abort_status, ""))
        if route.cors is not None and request.method == "OPTIONS":
            possible.add((200, ""))
        if isinstance(route.action, Forward):
            for share in route.action.to:
                ends = snapshot.endpoints[share.cluster]
                possible |= {(200, self._pods[end.address]) for end in ends} or {(503, "")}
                # The rig's pods do not speak HTTP/2.
                if snapshot.clusters[share.cluster].http2:
                    possible.add((502, ""))
        else:
            possible.add((route.action.status, ""))
        seen = {(answer.status, answer.pod) for answer in row.answers}
        return "" if seen <= possible else f"{route.name}: {sorted(possible)}"


def _by_interpreter(reference: Reference, request: Request, row: Row) -> str:
    """What the interpreter allows, where one of the answers is not among it."""
    outcomes = reference.allowed(request)
    for answer in row.answers:
        observed = Observed(
            answer.status,
            {**answer.answered, **({"location": answer.location} if answer.location else {})},
            answer.body,
            answer.pod,
            answer.path,
            {**answer.sent, "host": answer.authority},
        )
        reasons = [differs(_without_server(outcome), observed) for outcome in outcomes]
        if all(reasons):
            return "; ".join(dict.fromkeys(reasons)) + f" ({outcomes[0].why})"
    return ""


def _without_server(outcome: Any) -> Any:
    kept = tuple((name, values) for name, values in outcome.answered if name != "server")
    return replace(outcome, answered=kept)


def by_kind(differences: Sequence[Difference]) -> Mapping[str, int]:
    """How many of each."""
    counted: dict[str, int] = {}
    for difference in differences:
        counted[difference.who] = counted.get(difference.who, 0) + 1
    return counted
