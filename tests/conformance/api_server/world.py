"""A server with the mesh's controllers, but nothing that runs pods: what the recordings were made with."""

import asyncio
import http.client
import json
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mesh.api.server import ApiServer, ApiSettings
from mesh.pods.controllers.endpoints import EndpointController
from mesh.pods.host.addresses import Block
from mesh.pods.logs.log_reader import LogOptions
from mesh.pods.manager import PodManager
from mesh.pods.runtime.loopback import LoopbackRuntime
from mesh.store import Delete, Event, Store
from tests.support.api import Api, StandInAllocator, StandInLogs, StandInPlane

LIMIT = 30.0
# How long a watch stays open, at least, to count as one that the server does not close.
OPEN = 0.15


class WithoutKubelet(PodManager):
    """The controllers. Pods stay Pending; one that is deleted goes at once, since nothing of it runs.

    CronJobs are left out: they would create objects whenever a test meets the minute.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._controllers = {kind: c for kind, c in self._controllers.items() if kind.kind != "CronJob"}

    def _pod(self, event: Event) -> None:
        stored = event.object
        if event.type != "DELETED" and stored.metadata.get("deletionTimestamp"):
            present = self._store.get(stored.ref)
            if present is not None and not present.metadata.get("finalizers"):
                self._store.commit([Delete(stored.ref)])


class NoLogs(StandInLogs):
    """Nothing has been written: no container has been started."""

    async def read(self, namespace: str, pod: str, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        for _ in range(0):
            yield b""


class Answer:
    """A response: its code, headers, and body as JSON where it is JSON, else as text."""

    def __init__(self, code: int, headers: Mapping[str, str], raw: bytes) -> None:
        self.code = code
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.raw = raw
        try:
            self.body: Any = json.loads(raw)
        except ValueError:
            self.body = {"_raw": raw.decode(errors="replace")}

    @property
    def summary(self) -> dict[str, Any]:
        """The code, and of an error what programs look at."""
        if self.code < 400:
            return {"code": self.code}
        body = self.body
        details = body.get("details") or {}
        return {
            "code": self.code,
            "reason": body.get("reason") or None,
            "status": body.get("status"),
            "msg": body.get("message"),
            "dname": details.get("name"),
            "dkind": details.get("kind"),
            "dgroup": details.get("group"),
            "fields": sorted(cause.get("field", "") for cause in details.get("causes") or ()),
            "uid": bool(details.get("uid")),
            "retry": details.get("retryAfterSeconds"),
        }

    @property
    def names(self) -> Any:
        """The names in a list, sorted; the summary of an error."""
        if self.code >= 400:
            return self.summary
        return sorted(item["metadata"]["name"] for item in self.body["items"])


class World:
    """Requests to the server, as a program sends them that knows nothing but HTTP."""

    def __init__(self, api: Api, manager: PodManager) -> None:
        self.api = api
        self.store = api.store
        self._manager = manager

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `body` bytes are sent as they are, everything else as JSON."""
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.api.token}", "User-Agent": "Python-urllib/3.11", "Accept": accept}
        sent |= {"Content-Type": content_type, **(headers or {})}
        return await asyncio.to_thread(self._ask, method, path, raw, {n: v for n, v in sent.items() if v})

    def _ask(self, method: str, path: str, raw: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = self._connection()
        try:
            connection.request(method, path, raw, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPSConnection:
        url = urllib.parse.urlsplit(self.api.url)
        assert url.hostname is not None
        return http.client.HTTPSConnection(url.hostname, url.port, context=self.api.tls, timeout=LIMIT)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.ask("POST", path, body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.ask("PUT", path, body, **options)

    async def delete(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.ask("DELETE", path, body, **options)

    async def merge(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.ask("PATCH", path, body, content_type="application/merge-patch+json", **options)

    async def json_patch(self, path: str, body: Any) -> Answer:
        return await self.ask("PATCH", path, body, content_type="application/json-patch+json")

    async def strategic(self, path: str, body: Any) -> Answer:
        return await self.ask("PATCH", path, body, content_type="application/strategic-merge-patch+json")

    async def apply(self, path: str, body: Any) -> Answer:
        return await self.ask("PATCH", path, body, content_type="application/apply-patch+yaml")

    async def settled(self) -> None:
        """Returns when the controllers have acted on everything."""
        async with asyncio.timeout(LIMIT):
            await self._manager.idle()

    async def gone(self, path: str) -> Answer:
        """The answer to a GET once the object is gone; the last one when it stays."""
        return await self.until(path, lambda answer: answer.code == 404)

    async def until(self, path: str, condition: Any, limit: float = LIMIT) -> Answer:
        """Asks until a condition holds of the answer; the last answer when it never does."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        while True:
            answer = await self.get(path)
            if condition(answer) or loop.time() > end:
                return answer
            await asyncio.sleep(0.02)

    async def watch(
        self, path: str, events: int = 0, *, closes: bool = False, accept: str = "application/json"
    ) -> "Watched":
        """Reads at least `events` events, and on until the server closes the stream if it is expected to."""
        watched = await self.open(path, accept=accept)
        await watched.read(events, closes=closes)
        return watched

    async def open(self, path: str, *, accept: str = "application/json") -> "Watched":
        """Begins a watch."""
        url = urllib.parse.urlsplit(self.api.url)
        assert url.hostname is not None
        reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=self.api.tls, limit=1 << 24)
        head = f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {self.api.token}\r\n"
        writer.write(f"{head}Accept: {accept}\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(LIMIT):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        chunked = any(line.lower().startswith("transfer-encoding: chunked") for line in lines)
        return Watched(int(lines[0].split()[1]), reader, writer, chunked=chunked)


class Watched:
    """The stream of a watch: its code, the events so far, and whether the server has closed it."""

    def __init__(self, code: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, chunked: bool) -> None:
        self.code = code
        self.closed = False
        self.bodies: list[Any] = []
        self._reader = reader
        self._writer = writer
        self._chunked = chunked
        self._rest = b""

    async def read(self, events: int, *, closes: bool = False, last: bool = True) -> None:
        """Waits for `events` events, or for the end of the stream; looks for surplus ones if it is the `last` read."""
        try:
            async with asyncio.timeout(LIMIT):
                while not self.closed and (closes or len(self.bodies) < events):
                    await self._piece()
            if last and not self.closed:
                async with asyncio.timeout(OPEN):
                    while not self.closed:
                        await self._piece()
        except TimeoutError:
            pass
        if last:
            self._writer.close()

    async def _piece(self) -> None:
        if self._chunked:
            size = int((await self._reader.readline() or b"0").strip() or b"0", 16)
            piece = await self._reader.readexactly(size) if size else b""
            await self._reader.readline()
        else:
            piece = await self._reader.read(1 << 16)
        if not piece:
            self.closed = True
            if self._rest.strip():
                self.bodies.append(json.loads(self._rest))
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self.bodies += [json.loads(line) for line in lines if line.strip()]

    @property
    def summary(self) -> dict[str, Any]:
        """The code, the events, and whether the stream ended by itself."""
        return {"code": self.code, "ev": [_event(self.code, body) for body in self.bodies], "closed": self.closed}


def _event(code: int, body: Any) -> list[Any]:
    if code >= 400:
        return [code, body.get("reason"), body.get("message")]
    item = body.get("object") or {}
    metadata = item.get("metadata") or {}
    return [body.get("type"), item.get("kind"), metadata.get("name"), item.get("code"), item.get("reason")]


@asynccontextmanager
async def world_of(home: Path) -> AsyncGenerator[World, None]:
    """A server with controllers over a store in memory, ended with the block."""
    store = Store.open(None)
    settings = ApiSettings(home=home / "home", namespace="default")
    plane, logs = StandInPlane(), NoLogs()
    server = ApiServer(store, settings, plane=plane, logs=logs, allocator=StandInAllocator(), status=dict)
    block = Block.claim(home)

    async def settled(_version: int) -> None:
        """No Envoy: nothing to wait for."""

    manager = WithoutKubelet(store, home, LoopbackRuntime(home, block), block, settled)
    endpoints = EndpointController(store)
    url = await server.start()
    await manager.start()
    await endpoints.start()
    api = Api(server, url, settings.home, store)
    try:
        yield World(api, manager)
    finally:
        await endpoints.stop()
        await manager.stop()
        await server.stop()
        block.release_all()
        store.close()
