"""Canaries that nobody runs any more."""

import asyncio
from collections.abc import Iterator

import pytest

from mesh.canary.guard import CanaryGuard
from mesh.canary.record import Record, Touched
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.store import Put, Store
from tests.support.objects import Body, ref_of, rule, service, to
from tests.support.waiting import eventually

BEFORE, DURING = rule("mall", "mall", to("mall:v1")), rule("mall", "mall", to("mall:v2"))


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open(None)
    put(store, service("mall"))
    yield store
    store.close()


def put(store: Store, body: Body) -> None:
    store.commit([Put(ref_of(body), body)])


def record(until: float) -> Record:
    ref = ref_of(BEFORE)
    touched = Touched(*ref, "http", BEFORE["spec"]["http"], DURING["spec"]["http"])
    return Record("mesh", "mall", "v2", until, touched=(touched,))


def http(store: Store) -> object:
    stored = store.get(ref_of(BEFORE))
    return stored.body["spec"]["http"] if stored is not None else None


def guard(store: Store, now: float) -> CanaryGuard:
    return CanaryGuard(store, Recorder(Objects(store), 10), clock=lambda: now)


def test_the_rules_come_back_when_the_time_is_over_and_not_before(store: Store) -> None:
    put(store, DURING)
    put(store, record(100.0).body())
    guard(store, 99.0).restore_abandoned()
    assert http(store) == DURING["spec"]["http"]
    guard(store, 100.0).restore_abandoned()
    assert http(store) == BEFORE["spec"]["http"]
    assert store.list("", "ConfigMap") == []
    assert [event.body["reason"] for event in store.list("", "Event")] == ["CanaryAbandoned"]


def test_what_somebody_else_has_written_stays(store: Store) -> None:
    theirs = rule("mall", "mall", to("mall:v3"))
    put(store, theirs)
    put(store, record(1.0).body())
    guard(store, 2.0).restore_abandoned()
    assert http(store) == theirs["spec"]["http"]
    assert store.list("", "ConfigMap") == []


async def test_a_canary_that_begins_later_is_followed(store: Store) -> None:
    follower = guard(store, 50.0)
    await follower.start()
    try:
        await asyncio.sleep(0)
        put(store, DURING)
        put(store, record(10.0).body())
        await eventually(lambda: http(store) == BEFORE["spec"]["http"])
    finally:
        await follower.stop()
