"""What callers see while Envoy is told of changes, and what stays in force when it refuses one."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mesh.envoy.data_plane import DataPlane
from mesh.envoy.xds.resources import Kind
from mesh.routing.model.cluster import Cluster, ConnectionPool
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.match import FieldMatch, Match, MatchKind, Pattern
from mesh.routing.model.route import Respond
from mesh.routing.model.security import Authentication, JwtProvider
from mesh.routing.model.snapshot import Snapshot
from tests.support.data_plane import Backend, Place, listener, row, snapshot, table, to
from tests.support.http import ask, read_head
from tests.support.waiting import eventually

Start = Callable[[str], Any]
LOOKAHEAD = Match(headers=(FieldMatch("x", Pattern(MatchKind.REGEX, "(?=x)")),))


class Caller:
    """Asks again and again on one kept connection, and counts what it gets."""

    def __init__(self, door: Listener) -> None:
        self.door = door
        self.seen: Counter[str] = Counter()
        self._stopped = False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        reader, writer = await asyncio.open_connection(self.door.address, self.door.port)
        while not self._stopped:
            writer.write(b"GET / HTTP/1.1\r\nhost: any\r\n\r\n")
            head = await read_head(reader)
            if head is None:
                # Envoy may end a kept connection, after an answer that says so.
                self.seen["closed"] += 1
                return
            body = await reader.readexactly(int(head[1]["content-length"]))
            self.seen[head[0].split(" ")[1] + " " + head[1].get("server", "")] += 1
            if head[1].get("connection") == "close":
                writer.close()
                reader, writer = await asyncio.open_connection(self.door.address, self.door.port)
            assert body
        writer.close()

    async def __aenter__(self) -> "Caller":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        await self._task


async def test_clusters_routes_and_pods_change_under_load_and_nobody_sees_an_error(
    plane: DataPlane, place: Place, backend: Start
) -> None:
    a, b = await backend("a"), await backend("b")
    door = listener(place)
    plain = snapshot([door], [table(row(to("base")))], {"base": [a]})
    assert not await plane.apply(plain)
    async with Caller(door) as one, Caller(door) as two:
        await change_often(plane, door, a, b)
    assert set(one.seen + two.seen) == {"200 a", "200 b"}


async def change_often(plane: DataPlane, door: Listener, a: Backend, b: Backend) -> None:
    """From `a` to a new cluster of `b` and back, with another policy each time."""
    plain = snapshot([door], [table(row(to("base")))], {"base": [a]})
    for number in range(25):
        name = f"branch-{number}"
        pool = ConnectionPool(max_connections=100 + number)
        branch = snapshot(
            [door], [table(row(to(name)))], {"base": [a], name: [b]}, [Cluster("base", pool=pool), Cluster(name)]
        )
        assert not await plane.apply(branch)
        assert (await ask(door.address, door.port)).sent["who"] == "b"
        emptied = replace(plain, endpoints={"base": (a.endpoint,), name: ()}, clusters=branch.clusters)
        assert not await plane.apply(emptied)
        assert not await plane.apply(plain)
        assert (await ask(door.address, door.port)).sent["who"] == "a"


async def test_a_request_on_its_way_to_a_pod_that_leaves_is_answered(
    plane: DataPlane, place: Place, backend: Start
) -> None:
    a, b = await backend("a"), await backend("b")
    a.hold = asyncio.Event()
    door = listener(place)
    await plane.apply(snapshot([door], [table(row(to("all")))], {"all": [a]}))
    asked = asyncio.create_task(ask(door.address, door.port))
    await eventually(lambda: bool(a.seen), "the request arrived")
    await plane.apply(snapshot([door], [table(row(to("all")))], {"all": [b]}))
    assert (await ask(door.address, door.port)).sent["who"] == "b"
    a.hold.set()
    assert (await asked).sent["who"] == "a"


async def test_a_refused_table_leaves_all_that_the_last_good_one_names(
    plane: DataPlane, place: Place, backend: Start
) -> None:
    a, b = await backend("a"), await backend("b")
    door = listener(place)
    await plane.apply(snapshot([door], [table(row(to("old")))], {"old": [a]}))
    bad = snapshot([door], [table(row(to("new"), LOOKAHEAD), row(to("new")))], {"new": [b]})
    refused = await plane.apply(bad)
    assert list(refused) == [(Kind.ROUTES, "table")]
    assert "invalid perl operator" in refused[Kind.ROUTES, "table"]
    assert (await ask(door.address, door.port)).sent["who"] == "a"
    assert not await plane.apply(snapshot([door], [table(row(to("new")))], {"new": [b]}))
    assert (await ask(door.address, door.port)).sent["who"] == "b"
    assert plane.describe()["clusters"] == 1


async def test_of_many_only_the_refused_one_is_held_back(plane: DataPlane, place: Place) -> None:
    doors = {name: listener(place, name=name, table=name) for name in ("one", "two", "three")}
    tables = [table(row(Respond(201)), name=name) for name in doors]
    assert not await plane.apply(snapshot(doors, tables, {}))
    changed = [
        table(row(Respond(418), LOOKAHEAD if name == "two" else None), row(Respond(202)), name=name) for name in doors
    ]
    assert [name for _, name in await plane.apply(snapshot(doors, changed, {}))] == ["two"]
    statuses = {name: (await ask(each.address, each.port)).status for name, each in doors.items()}
    assert statuses == {"one": 418, "two": 201, "three": 418}


async def test_a_port_in_use_is_refused_alone_and_taken_when_it_is_free(plane: DataPlane, place: Place) -> None:
    free, taken = listener(place, name="free"), listener(place, name="taken")
    other = Backend("other", taken.address, taken.port)
    await other.start()
    refused = await plane.apply(snapshot([free, taken], [table(row(Respond(204)))], {}))
    assert list(refused) == [(Kind.LISTENER, "taken")]
    assert f"{taken.address}:{taken.port}" in refused[Kind.LISTENER, "taken"]
    assert (await ask(free.address, free.port)).status == 204
    assert list(await plane.offer_listeners_again()) == [(Kind.LISTENER, "taken")]
    await other.stop()
    assert not await plane.offer_listeners_again()
    assert (await ask(taken.address, taken.port)).status == 204


async def test_envoy_comes_back_after_its_death_with_everything(plane: DataPlane, place: Place, backend: Start) -> None:
    a = await backend("a")
    door = listener(place)
    await plane.apply(snapshot([door], [table(row(to("all")))], {"all": [a]}))
    first = plane.process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: plane.process.pid not in (None, first) and plane.connected, "Envoy is back")
    # What is applied now waits until the new one has all of it.
    assert not await plane.apply(snapshot([door], [table(row(Respond(204)))], {"all": [a]}))
    assert (await ask(door.address, door.port)).status == 204
    assert plane.describe()["restarts"] == 1


async def test_a_change_made_while_envoy_is_dead_reaches_it(plane: DataPlane, place: Place) -> None:
    door = listener(place)
    await plane.apply(snapshot([door], [table(row(Respond(201)))], {}))
    assert plane.process.pid is not None
    os.kill(plane.process.pid, signal.SIGKILL)
    assert not await plane.apply(snapshot([door], [table(row(Respond(202)))], {}))
    await eventually(lambda: plane.connected, "Envoy is back")
    assert not await plane.apply(snapshot([door], [table(row(Respond(203)))], {}))
    assert (await ask(door.address, door.port)).status == 203


async def test_what_went_and_comes_back_at_once_is_served(plane: DataPlane, place: Place, backend: Start) -> None:
    a = await backend("a")
    door = listener(place)
    full = snapshot([door], [table(row(to("all")))], {"all": [a]})
    for _ in range(5):
        assert not await plane.apply(full)
        assert (await ask(door.address, door.port)).status == 200
        assert not await plane.apply(Snapshot(2))


async def test_tcp_passes_to_a_cluster(plane: DataPlane, place: Place, backend: Start) -> None:
    door = listener(place, Role.CLUSTER_IP, cluster="all")
    await plane.apply(snapshot([door], [], {"all": [await backend("a")]}))
    answer = await ask(door.address, door.port, "/raw//path")
    assert answer.sent["target"] == "/raw//path"
    assert "x-request-id" not in answer.sent["headers"]


async def test_two_hundred_listeners_share_a_table(plane: DataPlane, place: Place) -> None:
    doors = {f"pod-{number}": listener(place, Role.SIDECAR, f"pod-{number}", port=15001) for number in range(200)}
    assert not await plane.apply(snapshot(doors, [table(row(Respond(204)))], {}))
    last = doors["pod-199"]
    assert (await ask(last.address, last.port)).status == 204
    listeners = await plane.process.admin.json("/listeners?format=json")
    assert len(listeners["listener_statuses"]) == 200


async def test_a_gateway_that_goes_with_its_tokens_fails_no_request_on_kept_connections(
    plane: DataPlane, place: Place, backend: Start
) -> None:
    a = await backend("a")
    provider = JwtProvider("mesh/tokens[0]", "issuer", "", "gateway")
    for round_number in range(3):
        door = listener(place, name=f"door-{round_number}")
        tokens = Authentication(door.name, (provider,), (("mesh/tokens[0]",),), at_gateway=True)
        full = snapshot([door], [table(row(to("all")))], {"all": [a]})
        assert not await plane.apply(replace(full, authentications={door.name: tokens}))
        kept = [await asyncio.open_connection(door.address, door.port) for _ in range(8)]
        try:
            assert [await _status(*connection) for connection in kept] == ["200"] * 8
            going = asyncio.create_task(plane.apply(replace(full, listeners={}, tables={})))
            while not going.done():
                # "" is a connection that Envoy has closed, as it announces by `connection: close`.
                assert set(await asyncio.gather(*(_status(*connection) for connection in kept))) <= {"200", ""}
            assert not await going
            assert set(await asyncio.gather(*(_status(*connection) for connection in kept))) <= {"200", ""}
        finally:
            for _, writer in kept:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for _, writer in kept), return_exceptions=True)


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """The status of one request on a kept connection; "" when the connection is closed."""
    try:
        writer.write(b"GET / HTTP/1.1\r\nhost: any\r\n\r\n")
        head = await read_head(reader)
        if head is None:
            return ""
        await reader.readexactly(int(head[1]["content-length"]))
    except (ConnectionError, asyncio.IncompleteReadError):
        return ""
    return head[0].split(" ")[1]
