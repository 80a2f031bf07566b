"""Watches over HTTP: lines of JSON as things happen; Events, which two groups have in two forms."""

import asyncio
import json
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.manifests import config, event

EVENTS = "/apis/events.k8s.io/v1/namespaces/mesh/events"
CONFIGS = "/api/v1/namespaces/mesh/configmaps"
# Without the one that every namespace has.
OWN = "fieldSelector=metadata.name!=kube-root-ca.crt"


class Stream:
    """A raw TLS connection that reads the events of a watch."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._rest = b""

    async def open(self, path: str) -> "Stream":
        host, port = self._api.url.removeprefix("https://").split(":")
        self._reader, self.writer = await asyncio.open_connection(host, int(port), ssl=self._api.tls)
        head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {self._api.token}\r\n\r\n"
        self.writer.write(head.encode())
        self.head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)
        return self

    async def event(self) -> Any:
        while b"\n" not in self._rest:
            size = int(await asyncio.wait_for(self._reader.readuntil(b"\r\n"), 10), 16)
            self._rest += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
            if not size:
                return None
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


def told(event: Any) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


async def test_a_watch_tells_what_is_there_and_then_what_happens(api: Api) -> None:
    await api.ask("POST", CONFIGS, config("a"))
    stream = await Stream(api).open(f"{CONFIGS}?watch=true&{OWN}")
    assert b"transfer-encoding: chunked" in stream.head.lower()
    assert told(await stream.event()) == ("ADDED", "a")
    await api.ask("POST", CONFIGS, config("b"))
    await api.ask("DELETE", f"{CONFIGS}/a")
    assert told(await stream.event()) == ("ADDED", "b")
    assert told(await stream.event()) == ("DELETED", "a")
    await stream.close()


async def test_a_watch_goes_on_from_the_version_of_a_list(api: Api) -> None:
    await api.ask("POST", CONFIGS, config("a"))
    listed = (await api.ask("GET", CONFIGS)).body["metadata"]["resourceVersion"]
    await api.ask("POST", CONFIGS, config("b"))
    stream = await Stream(api).open(f"{CONFIGS}?watch=1&resourceVersion={listed}")
    assert told(await stream.event()) == ("ADDED", "b")
    await stream.close()


async def test_an_object_that_stops_matching_is_deleted_for_the_watcher(api: Api) -> None:
    stream = await Stream(api).open(f"{CONFIGS}?watch=true&labelSelector=on")
    for labels in ({}, {"on": "1"}, {"on": "2"}, {}):
        expected: dict[str, Any] = labels or {"on": None}
        patch = {"metadata": {"labels": expected}}
        if (await api.ask("GET", f"{CONFIGS}/a")).code == 404:
            await api.ask("POST", CONFIGS, config("a"))
        else:
            await api.ask("PATCH", f"{CONFIGS}/a", patch, content_type="application/merge-patch+json")
    assert [told(await stream.event())[0] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]
    await stream.close()


async def test_a_version_that_is_not_kept_is_410_in_the_stream(api: Api) -> None:
    stream = await Stream(api).open(f"{CONFIGS}?watch=true&resourceVersion=999999")
    event = await stream.event()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert await stream.event() is None
    await stream.close()


async def test_a_watch_ends_after_its_time_and_marks_its_place_before(api: Api) -> None:
    query = (
        "watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true"
        f"&resourceVersionMatch=NotOlderThan&{OWN}"
    )
    stream = await Stream(api).open(f"{CONFIGS}?{query}")
    event = await stream.event()
    assert event["type"] == "BOOKMARK"
    assert event["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(event["object"]["metadata"]["resourceVersion"]) == api.store.version
    assert await stream.event() is None
    await stream.close()


async def test_stopping_the_server_ends_watches(api: Api) -> None:
    stream = await Stream(api).open(f"{CONFIGS}?watch=true&{OWN}")
    await api.server.stop()
    assert await stream.event() is None
    await stream.close()


async def test_an_event_is_the_same_object_in_both_groups(api: Api) -> None:
    created = await api.ask("POST", EVENTS, event())
    assert created.code == 201, created.body
    assert (created.body["apiVersion"], created.body["note"]) == ("events.k8s.io/v1", "all is well")
    core = (await api.ask("GET", "/api/v1/namespaces/mesh/events/shop.1")).body
    assert (core["apiVersion"], core["message"], core["involvedObject"]["name"]) == ("v1", "all is well", "shop")
    assert core["reportingComponent"] == "example.com/shop"
    patched = await api.ask("PATCH", f"{EVENTS}/shop.1", {"note": "still"}, content_type="application/merge-patch+json")
    assert (patched.code, patched.body["note"]) == (200, "still")
    assert (await api.ask("GET", "/api/v1/namespaces/mesh/events/shop.1")).body["message"] == "still"
    assert (await api.ask("DELETE", f"{EVENTS}/shop.1")).code == 200
    assert (await api.ask("GET", "/api/v1/namespaces/mesh/events/shop.1")).code == 404


async def test_events_of_the_core_group_are_listed_and_selected_under_the_other_names(api: Api) -> None:
    for name in ("shop", "cart"):
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name},
            "involvedObject": {"kind": "Pod", "name": name, "namespace": "mesh"},
            "message": f"about {name}",
            "type": "Normal",
            "reason": "Seen",
        }
        assert (await api.ask("POST", "/api/v1/namespaces/mesh/events", body)).code == 201
    listed = (await api.ask("GET", f"{EVENTS}?fieldSelector=regarding.name=shop")).body
    assert [(item["note"], item["regarding"]["name"]) for item in listed["items"]] == [("about shop", "shop")]
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    tables = [(await api.ask("GET", path, headers=accept)).body for path in (EVENTS, "/api/v1/namespaces/mesh/events")]
    assert tables[0]["rows"][0]["cells"][3:7] == tables[1]["rows"][0]["cells"][3:7]
    assert tables[0]["rows"][0]["cells"][6] == "about cart"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"eventTime": None}, "eventTime"),
        ({"action": ""}, "action"),
        ({"reportingController": ""}, "reportingController"),
        ({"type": "Odd"}, "type"),
        ({"note": "x" * 1025}, "message"),
        ({"deprecatedCount": 2}, "count"),
    ],
)
async def test_a_new_event_says_everything(api: Api, fields: dict[str, Any], path: str) -> None:
    refused = await api.ask("POST", EVENTS, event(**fields))
    assert (refused.code, [cause["field"] for cause in refused.body["details"]["causes"]]) == (422, [path])


async def test_what_clients_do_not_see_of_an_object_is_left_out_once(api: Api) -> None:
    assert (await api.ask("POST", CONFIGS, config("shop"))).code == 201
    stored = next(stored for stored in api.store.list("", "ConfigMap", "mesh") if stored.ref.name == "shop")
    for path in (CONFIGS, f"{CONFIGS}?labelSelector=!x"):
        (shown,) = [i for i in (await api.ask("GET", path)).body["items"] if i["metadata"]["name"] == "shop"]
        assert "generation" not in shown["metadata"]
    # The store's own still has it, and what is shown is made once.
    assert stored.metadata["generation"] == 1
    assert stored.without_generation is stored.without_generation
