"""Watching: order, places, selectors, slow readers."""

import asyncio

import pytest

from mesh.resources.values.ref import Ref
from mesh.store import Delete, Expired, Put, Store


def put(name: str, value: str = "1", kind: str = "ConfigMap", namespace: str = "mesh") -> Put:
    return Put(
        Ref("", kind, namespace, name),
        {"apiVersion": "v1", "kind": kind, "metadata": {}, "data": {"k": value}},
    )


def ref(name: str) -> Ref:
    return Ref("", "ConfigMap", "mesh", name)


async def test_events_come_in_the_order_of_the_commits_with_the_state_before() -> None:
    store = Store.open(None)
    async with store.watch() as watch:
        store.commit([put("a")])
        store.commit([put("a", "2"), put("b")])
        store.commit([Delete(ref("a"))])
        events = await watch.batch()
    assert [(e.type, e.object.ref.name, e.version) for e in events] == [
        ("ADDED", "a", 1),
        ("MODIFIED", "a", 2),
        ("ADDED", "b", 3),
        ("DELETED", "a", 4),
    ]
    assert events[1].previous is events[0].object
    assert events[3].object.body["data"] == {"k": "2"}
    assert events[3].object.metadata["resourceVersion"] == "4"


async def test_a_watch_wakes_for_its_own_kind_and_namespace_only() -> None:
    store = Store.open(None)
    async with store.watch("", "ConfigMap", "mesh") as watch:
        waiting = asyncio.create_task(watch.batch())
        await asyncio.sleep(0)
        store.commit([put("a", kind="Secret"), put("a", namespace="other")])
        await asyncio.sleep(0)
        assert not waiting.done()
        store.commit([put("a")])
        (event,) = await waiting
    assert event.object.ref == ref("a")


async def test_a_watch_from_zero_begins_with_all_there_is() -> None:
    store = Store.open(None)
    store.commit([put("b"), put("a"), put("s", kind="Secret")])
    async with store.watch("", "ConfigMap", since=0) as watch:
        first = [await anext(watch), await anext(watch)]
        store.commit([put("c")])
        third = await anext(watch)
    assert [(e.type, e.object.ref.name) for e in [*first, third]] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
        ("ADDED", "c"),
    ]


async def test_a_watch_from_a_version_gives_what_came_after_it() -> None:
    store = Store.open(None)
    (one,) = store.commit([put("a")])
    store.commit([put("b")])
    async with store.watch(since=one.version) as watch:
        (event,) = await watch.batch()
    assert event.object.ref.name == "b"


async def test_versions_that_are_no_longer_kept_are_expired() -> None:
    store = Store.open(None, log_length=2)
    for number in range(9):
        store.commit([put("a", str(number))])
    with pytest.raises(Expired, match="version 1 is not available"):
        store.watch(since=1)
    with pytest.raises(Expired):
        store.watch(since=100)


async def test_a_reader_that_is_too_slow_is_told_and_holds_no_memory() -> None:
    store = Store.open(None, log_length=4)
    async with store.watch() as watch:
        for number in range(20):
            store.commit([put("a", str(number))])
        with pytest.raises(Expired):
            await watch.batch()
    assert store.list("", "ConfigMap")[0].body["data"] == {"k": "19"}


async def test_closing_the_store_ends_the_watches() -> None:
    store = Store.open(None)
    watch = store.watch()
    waiting = asyncio.create_task(watch.batch())
    await asyncio.sleep(0)
    store.close()
    assert await waiting == []
    assert [event async for event in watch] == []


async def test_a_reader_that_is_cancelled_misses_nothing() -> None:
    store = Store.open(None)
    async with store.watch() as watch:
        waiting = asyncio.create_task(watch.batch())
        await asyncio.sleep(0)
        store.commit([put("a")])
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert [event.object.ref.name for event in await watch.batch()] == ["a"]
