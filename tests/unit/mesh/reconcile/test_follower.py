"""Following the store: a list first, then every change, and a list again when changes were missed."""

import asyncio
from contextlib import suppress

import pytest

from mesh.reconcile import follower
from mesh.reconcile.follower import Changes, Follower, follow
from mesh.resources.values.ref import Ref
from mesh.store import Delete, Event, Put, Store


def secret(name: str, value: str = "") -> Put:
    ref = Ref("", "Secret", "mesh", name)
    return Put(
        ref, {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "type": "Opaque", "stringData": {"v": value}}
    )


def names(changes: Changes | None) -> list[str]:
    assert changes is not None
    return [f"{event.type} {event.object.ref.name}" for event in changes.events]


async def test_the_first_answer_asks_for_a_list_and_what_changes_after_it_is_an_event() -> None:
    store = Store.open(None)
    store.commit([secret("old")])
    with Follower(store, group="", kind="Secret") as reader:
        assert await reader.next() == Changes(relist=True)
        store.commit([secret("a"), secret("b")])
        store.commit([Delete(secret("a").ref)])
        assert names(await reader.next()) == ["ADDED a", "ADDED b", "DELETED a"]
        store.close()
        assert await reader.next() is None


async def test_a_wait_that_timed_out_loses_no_change() -> None:
    store = Store.open(None)
    with Follower(store) as reader:
        await reader.next()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await reader.next()
        store.commit([secret("a")])
        assert names(await reader.next()) == ["ADDED a"]


async def test_a_reader_that_missed_changes_is_asked_to_list_again() -> None:
    store = Store.open(None, log_length=2)
    with Follower(store) as reader:
        await reader.next()
        for number in range(10):
            store.commit([secret("a", str(number))])
        assert await reader.next() == Changes(relist=True)
        for number in range(10):
            store.commit([secret("b", str(number))])
        assert reader.take() == Changes(relist=True)
        store.commit([secret("c")])
        assert names(reader.take()) == ["ADDED c"]
        assert reader.take() == Changes([])


async def test_a_change_that_cannot_be_handled_is_logged_by_name_and_leads_to_a_new_list(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(follower, "FIRST_RETRY", 0.001)
    store = Store.open(None)
    handled: list[str] = []
    lists = 0
    listed_again = asyncio.Event()

    def relist() -> None:
        nonlocal lists
        lists += 1
        if lists == 2:
            listed_again.set()

    def take(event: Event) -> None:
        if event.object.ref.name == "bad":
            raise ValueError("cannot")
        handled.append(event.object.ref.name)

    task = asyncio.create_task(follow(store, relist=relist, take=take))
    await asyncio.sleep(0)
    store.commit([secret("bad"), secret("good")])
    async with asyncio.timeout(5):
        await listed_again.wait()
    assert handled == ["good"]
    assert "Secret mesh/bad (ADDED) could not be handled" in caplog.text
    store.close()
    async with asyncio.timeout(5):
        await task


async def test_following_a_closed_store_ends() -> None:
    store = Store.open(None)
    store.close()
    async with asyncio.timeout(5):
        await follow(store, relist=lambda: None, take=lambda _: None)
