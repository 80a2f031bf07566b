"""Who gets in: the browser that was handed a code, from the console's own page, and nobody else."""

import asyncio
import http.client
import json
import os
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from mesh.api.server import ApiServer, ApiSettings, Sources
from mesh.branches.compare import Gateway
from mesh.client.api import Client
from mesh.console import server as console_server
from mesh.console.comparing import Comparing
from mesh.console.door import HEADER, session_of
from mesh.console.memory import MemoryFile
from mesh.console.server import Console
from mesh.observe.hops import Ring
from mesh.observe.reasons import Reasons
from mesh.observe.telemetry import Telemetry
from mesh.resources.values.ref import Ref
from mesh.routing.model.snapshot import Snapshot
from mesh.store import Store
from tests.support.api import StandInAllocator, StandInLogs, StandInPlane

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}}
CONFIGS = "/api/v1/namespaces/default/configmaps"


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        return str(json.loads(self.body)["message"])


class Door:
    """A running console, and a client that sends just the headers it is told."""

    def __init__(self, server: ApiServer, store: Store, token: str, api: str) -> None:
        self.store = store
        self._api = api
        self._token = token
        self._server = server
        self.port = 0

    async def code(self) -> str:
        """A fresh address's path, as `meshmall console` gets it."""
        url = urlsplit(await asyncio.to_thread(self._code))
        self.port = url.port or 0
        assert url.hostname == "console.localhost"
        return f"{url.path}?{url.query}"

    def _code(self) -> str:
        client = Client(self._server._settings.home)
        try:
            return client.console()
        finally:
            client.close()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        return await asyncio.to_thread(self._ask, method, path, body, headers)

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Got:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            raw = json.dumps(body).encode() if body is not None else None
            own = {"host": f"console.localhost:{self.port}"}
            connection.request(method, path, raw, {"content-type": "application/json", **own, **named})
            answer = connection.getresponse()
            return Got(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    async def enter(self) -> dict[str, str]:
        """Lets a browser in; the header that it sends from then on."""
        got = await self.ask("GET", await self.code())
        assert got.status == 303, got
        return {"cookie": got.headers["set-cookie"].partition(";")[0]}


@pytest.fixture
async def door(tmp_path: Any) -> AsyncGenerator[Door, None]:
    store = Store.open(None)
    telemetry = Telemetry(store, Ring())
    servers: list[ApiServer] = []
    console = Console(lambda: servers[0].app, Comparing(Gateway("127.0.0.1", 1), telemetry))
    server = ApiServer(
        store,
        ApiSettings(home=tmp_path / "home", namespace="mesh"),
        plane=StandInPlane(),
        logs=StandInLogs(),
        allocator=StandInAllocator(),
        status=lambda: {"pid": 1},
        sources=Sources(telemetry, Reasons(store, lambda: Snapshot(0)), lambda: Snapshot(0)),
        extra_routes=console.routes,
    )
    servers.append(server)
    url = await server.start()
    yield Door(server, store, (tmp_path / "home" / "token").read_text(), url)
    await console.stop()
    await server.stop()
    store.close()


async def test_there_is_no_port_until_the_console_is_asked_for(door: Door) -> None:
    assert door.port == 0
    await door.code()
    assert (await door.ask("GET", "/")).status == 200


async def test_a_code_lets_one_browser_in_once(door: Door) -> None:
    path = await door.code()
    got = await door.ask("GET", path)
    assert (got.status, got.headers["location"]) == (303, "/")
    kept = got.headers["set-cookie"]
    assert "HttpOnly" in kept
    assert "SameSite=Strict" in kept
    assert "Domain" not in kept
    assert (await door.ask("GET", path)).status == 403
    cookie = kept.partition(";")[0]
    assert (await door.ask("GET", path, cookie=cookie)).status == 303
    assert (await door.ask("GET", "/mesh/v1/traces", cookie=cookie)).status == 200


async def test_without_a_session_there_is_the_page_and_nothing_else(door: Door) -> None:
    await door.code()
    assert (await door.ask("GET", "/")).status == 200
    for path in ("/mesh/v1/traces", CONFIGS, "/apis/apps/v1/deployments", "/mesh/v1/stream", "/version"):
        for headers in ({}, {"cookie": "meshmall-console=guessed"}, {"cookie": 'a="'}, {"authorization": "Bearer x"}):
            got = await door.ask("GET", path, **headers)
            assert got.status == 401, (path, headers)
            assert "meshmall console" in got.message


async def test_neither_token_nor_session_is_in_what_a_browser_can_read(door: Door) -> None:
    cookie = await door.enter()
    secret = cookie["cookie"].partition("=")[2]
    for path in ("/", "/mesh/v1/status", "/mesh/v1/topology"):
        got = await door.ask("GET", path, **cookie)
        text = got.body.decode() + str(got.headers)
        assert secret not in text
        assert door._token not in text


async def test_another_name_for_the_same_port_is_refused(door: Door) -> None:
    """DNS rebinding: a page's own name may resolve to 127.0.0.1, but the browser says which name it asked."""
    cookie = await door.enter()
    for host in ("evil.example", f"evil.example:{door.port}", f"127.0.0.1:{door.port}", "console.localhost", ""):
        got = await door.ask("GET", "/mesh/v1/traces", host=host, **cookie)
        assert got.status in (400, 403), host
        assert b"items" not in got.body


async def test_other_sites_can_neither_read_nor_drive(door: Door) -> None:
    cookie = await door.enter()
    own = f"http://console.localhost:{door.port}"
    driving = {HEADER.replace("-", "_"): "1"}
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"http://console.localhost:{door.port + 1}"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ):
        got = await door.ask("GET", "/mesh/v1/traces", **cookie, **headers)
        assert got.status == 403, headers
        assert "access-control-allow-origin" not in got.headers
        assert (await door.ask("POST", CONFIGS, CONFIG, **cookie, **driving, **headers)).status == 403
        assert (await door.ask("OPTIONS", CONFIGS, **headers)).status == 403
    # A form or an image of the right place, but without the header that only a script of the page can send.
    assert (await door.ask("POST", CONFIGS, CONFIG, **cookie, origin=own)).status == 403
    assert door.store.get(Ref("", "ConfigMap", "default", "c")) is None
    assert (await door.ask("POST", CONFIGS, CONFIG, **cookie, **driving, origin=own)).status == 201
    assert door.store.get(Ref("", "ConfigMap", "default", "c")) is not None


async def test_every_answer_forbids_framing_and_foreign_code(door: Door) -> None:
    cookie = await door.enter()
    for path, status in (("/", 200), ("/mesh/v1/traces", 200), ("/nothing", 404), ("/enter?code=x", 303)):
        got = await door.ask("GET", path, **cookie)
        assert got.status == status
        policy = got.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert got.headers["x-frame-options"] == "DENY"
        assert got.headers["referrer-policy"] == "no-referrer"
        assert got.headers["x-content-type-options"] == "nosniff"


async def test_only_the_page_s_own_files_are_served(door: Door) -> None:
    await door.code()
    for path in ("/../door.py", "/static/index.html", "/%2e%2e/door.py", "/index.html/", "/server.py"):
        got = await door.ask("GET", path)
        assert got.status in (400, 404), path
        assert b"def " not in got.body
    assert (await door.ask("POST", "/", **{HEADER.replace("-", "_"): "1"})).status == 405
    tag = (await door.ask("GET", "/")).headers["etag"]
    assert (await door.ask("GET", "/", if_none_match=tag)).status == 304


async def test_the_page_cannot_let_others_in(door: Door) -> None:
    cookie = await door.enter()
    got = await door.ask("POST", "/mesh/v1/console", **cookie, **{HEADER.replace("-", "_"): "1"})
    assert got.status == 403


async def test_a_comparison_of_nonsense_is_refused_in_words(door: Door) -> None:
    given = {**await door.enter(), HEADER.replace("-", "_"): "1"}
    for body, status, said in (
        ({}, 400, "branch"),
        ({"branch": "fox", "paths": ["http://evil.example/"]}, 400, "paths"),
        ({"branch": "fox", "paths": ["/x"] * 21}, 400, "21"),
        ({"branch": "fox", "paths": ["/"]}, 502, "does not respond"),
    ):
        got = await door.ask("POST", "/mesh/v1/diff", body, **given)
        assert (got.status, said in got.message) == (status, True), got
    assert (await door.ask("GET", "/mesh/v1/diff", **given)).status == 405


def test_a_broken_cookie_is_no_session() -> None:
    assert session_of({"cookie": 'x="; meshmall-console'}) == ""
    assert session_of({"cookie": "a=b; meshmall-console=s; c=d"}) == "s"


async def test_the_console_comes_back_at_its_port_and_knows_its_sessions(
    door: Door, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An address of its own: other tests' consoles would take the port meanwhile.
    host = f"127.209.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
    monkeypatch.setattr(console_server, "HOST", host)
    telemetry = Telemetry(door.store, Ring())
    comparing = Comparing(Gateway("127.0.0.1", 1), telemetry)
    memory = MemoryFile(tmp_path / "console.json")

    def console() -> Console:
        return Console(lambda: door._server.app, comparing, memory=memory)

    async def never_opened() -> None:
        before = console()
        await before.start()
        assert memory.read().port == 0
        await before.stop()

    await never_opened()
    first = console()
    address = await first.open_address()
    port = memory.read().port
    assert str(port) in address
    await first.stop()
    again = console()
    await again.start()
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    assert await again.open_address() != address
    assert memory.read().port == port
    # Another program took the port meanwhile: the console finds another one, and keeps that.
    await again.stop()
    with socket.create_server((host, port)):
        third = console()
        await third.start()
        await third.open_address()
        assert memory.read().port != port
        await third.stop()
