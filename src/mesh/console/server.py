"""The console's server: signs a browser in, serves the page, and forwards its requests to the API.

It listens on loopback, without TLS, from the first `meshmall console` on; before that there is no port. From then on it
keeps its port, also when the mesh is started again, so that bookmarks and addresses that were sent stay valid.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mesh.api.transport.http import CERTIFIED, Receive, Reply, Request, Scope, Send
from mesh.api.transport.router import Route
from mesh.api.transport.serving import Bounds, Serving, listen
from mesh.api.transport.status_errors import Problem
from mesh.console.comparing import Comparing
from mesh.console.door import HEADERS, NAME, check_place, cookie, session_of
from mesh.console.memory import Memory, MemoryFile
from mesh.console.pages import Page, pages
from mesh.console.sessions import SESSION_LIFETIME, Sessions

HOST = "127.0.0.1"
ENTER = "/enter"
OPEN = "/mesh/v1/console"
DIFF = "/mesh/v1/diff"
# The parts of the API that the page may call: everything except opening another session.
FORWARDED = ("/api/", "/apis/", "/mesh/v1/", "/version")
LARGEST_HEAD, LARGEST_BODY, BODY_LIMIT = 64 << 10, 3 << 20, 30.0
MOST_CONNECTIONS = 128
# The ports that a console without a port of its own tries, before any free one. Not from the range out of which the
# kernel takes ports for outgoing connections: one of those may be in use when the mesh is started again.
PORTS = range(20080, 20100)
Api = Callable[[Scope, Receive, Send], Awaitable[None]]


class Console:
    """`api` is the API's application; `comparing` serves `branch diff`. `port` 0 means the one that `memory` names, or
    any free one.
    """

    def __init__(
        self, api: Callable[[], Api], comparing: Comparing, port: int = 0, memory: MemoryFile | None = None
    ) -> None:
        self._api = api
        self._comparing = comparing
        self._requested_port = port
        self._port = 0
        self._file = memory
        self._memory = memory.read() if memory is not None else Memory()
        self._sessions = Sessions(earlier=self._memory.sessions, changed=self._remember_sessions)
        self._pages: dict[str, Page] = {}
        self._serving: Serving | None = None
        self._listener: socket.socket | None = None
        self._starting = asyncio.Lock()
        self.routes = [Route(("POST",), OPEN, self._open)]

    async def start(self) -> None:
        """Listens again where it did before. Whatever is in the way is reported by the next `meshmall console`."""
        if self._memory.port:
            with suppress(Problem):
                await self._start((self._requested_port or self._memory.port,))

    def _remember_sessions(self, sessions: Mapping[str, float]) -> None:
        self._memory.sessions = dict(sessions)
        self._save()

    def _save(self) -> None:
        if self._file is not None:
            self._file.write(self._memory)

    async def stop(self) -> None:
        if self._serving is not None:
            await self._serving.stop()
        if self._listener is not None:
            self._listener.close()

    async def _open(self, request: Request) -> Reply:
        """Returns an address that signs one browser in, once. The API has checked the token. Raises Problem (409)."""
        await request.body()
        url = await self.open_address()
        return Reply({"url": url, "address": f"http://{NAME}:{self._port}/"})

    async def open_address(self) -> str:
        """Listens, if it does not yet; the address that signs one browser in, once. Raises Problem (409)."""
        async with self._starting:
            if self._serving is None:
                await self._start(self._places())
        return f"http://{NAME}:{self._port}{ENTER}?code={self._sessions.code()}"

    def _places(self) -> Sequence[int]:
        """The ports to try, in this order."""
        return (self._requested_port,) if self._requested_port else (*filter(None, (self._memory.port,)), *PORTS, 0)

    async def _start(self, ports: Sequence[int]) -> None:
        """Raises Problem (409) when it can listen at none of the ports."""
        listener = self._listener = _first_free(ports)
        self._port = listener.getsockname()[1]
        self._pages = dict(await asyncio.to_thread(pages))
        serving = Serving(self, Bounds(LARGEST_HEAD, MOST_CONNECTIONS), None)
        await serving.start(listener)
        self._serving = serving
        if self._memory.port != self._port:
            self._memory.port = self._port
            self._save()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application for browsers."""
        if scope["type"] != "http":
            return
        guarded = _with_headers(send)
        request = Request(scope, receive, largest_body=LARGEST_BODY, body_limit=BODY_LIMIT)
        try:
            check_place(request.method, request.headers, self._port)
            reply = await self._answer(request)
        except Problem as problem:
            reply = Reply(problem.status(), problem.code)
        if reply is not None:
            await reply.send(request, guarded)
            return
        # The session has been checked, so the API gets the request as certified and without the browser's credentials.
        headers = [
            pair for pair in scope["headers"] if pair[0] not in (b"cookie", b"origin", b"host", b"authorization")
        ]
        forwarded = {**scope, "headers": [*headers, (b"host", HOST.encode())], CERTIFIED: True}
        await self._api()(forwarded, receive, guarded)

    async def _answer(self, request: Request) -> Reply | None:
        """The response, or None when the API must answer. Raises Problem (401, 403, 404)."""
        path = request.path
        if path == ENTER:
            return self._enter(request)
        if not path.startswith(FORWARDED):
            return self._page(request)
        if not self._sessions.knows(session_of(request.headers)):
            raise Problem(401, "not signed in, or the mesh was restarted; run `meshmall console` again")
        request.authenticated()
        if path == OPEN:
            raise Problem(403, "only `meshmall console` opens a session")
        if path == DIFF:
            if request.method != "POST":
                raise Problem(405, f"{path}: method {request.method} is not allowed")
            return await self._comparing.answer(request)
        return None

    def _enter(self, request: Request) -> Reply:
        session = self._sessions.enter(request.query.get("code", "")) if request.method == "GET" else None
        headers = {"location": "/"}
        if session is not None:
            headers["set-cookie"] = cookie(session, SESSION_LIFETIME)
        elif not self._sessions.knows(session_of(request.headers)):
            text = "This address has been used, or has expired. Run `meshmall console` again.\n"
            return Reply(text.encode(), 403, content_type="text/plain; charset=utf-8")
        return Reply(b"", 303, content_type="text/plain", headers=headers)

    def _page(self, request: Request) -> Reply:
        page = self._pages.get(request.path)
        if page is None:
            raise Problem(404, f"there is no page {request.path[:200]}")
        if request.method not in ("GET", "HEAD"):
            raise Problem(405, f"{request.path[:200]}: method {request.method} is not allowed")
        if request.headers.get("if-none-match") == page.tag:
            return Reply(b"", 304, content_type=page.media, headers={"etag": page.tag})
        headers = {"etag": page.tag, "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Reply(page.zipped, content_type=page.media, headers={**headers, "content-encoding": "gzip"})
        return Reply(page.body, content_type=page.media, headers=headers)


def _first_free(ports: Sequence[int]) -> socket.socket:
    for port in ports:
        listener = None
        try:
            listener = listen(HOST, port)
            # Two programs may bind the same port before either listens; only one of them can then listen.
            listener.listen()
        except OSError as error:
            if listener is not None:
                listener.close()
            if port == ports[-1]:
                raise Problem(409, f"the console cannot listen at {HOST}:{port}: {error.strerror}") from error
            continue
        return listener
    raise Problem(409, "the console has no port to listen at")


def _with_headers(send: Send) -> Send:
    """Adds the headers that tell a browser what it may do with the response."""

    async def guarded(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *HEADERS]}
        await send(message)

    return guarded
