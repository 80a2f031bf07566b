"""Watches."""

import asyncio
from typing import Any

from tests.conformance.api_server.probes import CONFIG_MAPS, W3, Probes, config_map
from tests.conformance.api_server.world import World

probes = Probes()
ONE = "fieldSelector=metadata.name%3Dl1"


@probes("w_initial")
async def without_a_version(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=true&{ONE}", 1)).summary


@probes("w_rv0")
async def from_version_zero(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=true&{ONE}&resourceVersion=0", 1)).summary


@probes("w_from_rv")
async def from_a_version(world: World) -> Any:
    version = (await world.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    watched = await world.open(f"{CONFIG_MAPS}?watch=true&resourceVersion={version}")
    await world.post(CONFIG_MAPS, config_map("w1"))
    await world.merge(f"{CONFIG_MAPS}/w1", {"data": {"a": "c"}})
    await world.delete(f"{CONFIG_MAPS}/w1")
    await watched.read(3)
    return [watched.summary, [[body["object"]["data"], sorted(body["object"])] for body in watched.bodies]]


@probes("w_rv_too_old")
async def from_the_first_version(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion=1", 15)).summary


@probes("w_rv_future")
async def from_a_version_to_come(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion=99999999")).summary


@probes("w_rv_bad")
async def from_no_version(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion=abc", closes=True)).summary


@probes("w_timeout")
async def for_a_second(world: World) -> Any:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    watched = await world.watch(f"{CONFIG_MAPS}?watch=true&{ONE}&timeoutSeconds=1", 1, closes=True)
    return [watched.summary, loop.time() - begin > 0.8]


@probes("w_timeout0")
async def for_no_time(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=true&{ONE}&timeoutSeconds=0", 1)).summary


@probes("w_bookmarks")
async def with_bookmarks(world: World) -> Any:
    version = (await world.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    query = f"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=1"
    watched = await world.watch(f"{CONFIG_MAPS}?{query}", closes=True)
    return [watched.summary, [body for body in watched.bodies if body["type"] == "BOOKMARK"]]


INITIAL = f"watch=true&{ONE}&sendInitialEvents=true&allowWatchBookmarks=true"


@probes("w_send_initial")
async def with_initial_events(world: World) -> Any:
    watched = await world.watch(f"{CONFIG_MAPS}?{INITIAL}&resourceVersionMatch=NotOlderThan", 2)
    marks = [body["object"] for body in watched.bodies if body["type"] == "BOOKMARK"]
    kinds = ("kind", "apiVersion")
    shown = [[m["metadata"].get("annotations"), sorted(m), {name: m.get(name) for name in kinds}] for m in marks]
    return [watched.summary, shown]


@probes("w_send_initial_noNOT")
async def with_initial_events_of_any_age(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?{INITIAL}", closes=True)).summary


@probes("w_send_initial_false")
async def without_initial_events(world: World) -> Any:
    query = f"watch=true&{ONE}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    return (await world.watch(f"{CONFIG_MAPS}?{query}")).summary


@probes("list_send_initial")
async def list_with_initial_events(world: World) -> Any:
    return (await world.get(f"{CONFIG_MAPS}?sendInitialEvents=true")).summary


@probes("w_rvmatch")
async def with_a_match(world: World) -> Any:
    query = f"watch=true&{ONE}&resourceVersion=0&resourceVersionMatch=NotOlderThan"
    return (await world.watch(f"{CONFIG_MAPS}?{query}", closes=True)).summary


@probes("w_label_leave")
async def labels_that_stop_matching(world: World) -> Any:
    version = (await world.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    watched = await world.open(f"{CONFIG_MAPS}?watch=true&labelSelector=q%3Dr&resourceVersion={version}")
    await world.post(CONFIG_MAPS, config_map("w2", labels={"q": "r"}))
    await world.merge(f"{CONFIG_MAPS}/w2", {"metadata": {"labels": {"q": "s"}}})
    await world.merge(f"{CONFIG_MAPS}/w2", {"metadata": {"labels": {"q": "r"}}})
    await world.delete(f"{CONFIG_MAPS}/w2")
    await watched.read(4)
    return watched.summary


@probes("w_name")
async def one_object(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}/l1?watch=true", 1, closes=True)).summary


@probes("w_oldpath")
async def the_old_path(world: World) -> Any:
    return (await world.watch(f"/api/v1/watch/namespaces/w3/configmaps?{ONE}", 1)).summary


@probes("w_field")
async def of_a_field(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Dl2", 1)).summary


@probes("w_table")
async def as_a_table(world: World) -> Any:
    accept = "application/json;as=Table;g=meta.k8s.io;v=v1"
    watched = await world.watch(f"{CONFIG_MAPS}?watch=true&{ONE}", 1, accept=accept)
    tables = [body["object"] for body in watched.bodies]
    return [watched.summary, [[sorted(table), len(table["columnDefinitions"])] for table in tables]]


@probes("w_watch_param1")
async def by_a_number(world: World) -> Any:
    return (await world.watch(f"{CONFIG_MAPS}?watch=1&{ONE}", 1)).summary


@probes("w_missing_kind")
async def of_a_kind_that_is_missing(world: World) -> Any:
    return (await world.watch(f"{W3}/foos?watch=true", closes=True)).summary
