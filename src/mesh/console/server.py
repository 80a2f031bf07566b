"""The console's server: lets a browser in, gives it the page, and passes its requests to the API.

It listens on loopback, in clear, from the first time that somebody asks for the console; until then there is no port.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mesh.api.transport.http import CERTIFIED, Receive, Reply, Request, Scope, Send
from mesh.api.transport.router import Route
from mesh.api.transport.serving import Bounds, Serving, listen
from mesh.api.transport.status_errors import Problem
from mesh.console.comparing import Comparing
from mesh.console.door import HEADERS, NAME, check_place, cookie, session_of
from mesh.console.pages import Page, pages
from mesh.console.sessions import SESSION_LIVES, Sessions

HOST = "127.0.0.1"
ENTER = "/enter"
OPEN = "/mesh/v1/console"
DIFF = "/mesh/v1/diff"
# What of the API the page may ask for: all of it but a further way in.
PASSED_ON = ("/api/", "/apis/", "/mesh/v1/", "/version")
LARGEST_HEAD, LARGEST_BODY, BODY_LIMIT = 64 << 10, 3 << 20, 30.0
MOST_CONNECTIONS = 128
Api = Callable[[Scope, Receive, Send], Awaitable[None]]


class Console:
    """`api` is the API's application; `comparing` answers for `branch diff`. Port 0 takes any free one."""

    def __init__(self, api: Callable[[], Api], comparing: Comparing, port: int = 0) -> None:
        self._api = api
        self._comparing = comparing
        self._wanted_port = port
        self._port = 0
        self._sessions = Sessions()
        self._pages: dict[str, Page] = {}
        self._serving: Serving | None = None
        self._starting = asyncio.Lock()
        self.routes = [Route(("POST",), OPEN, self._open)]

    async def stop(self) -> None:
        if self._serving is not None:
            await self._serving.stop()

    async def _open(self, request: Request) -> Reply:
        """Answers whoever holds the token with an address that lets one browser in, once. Raises Problem (409)."""
        await request.body()
        async with self._starting:
            if self._serving is None:
                await self._start()
        url = f"http://{NAME}:{self._port}"
        return Reply({"url": f"{url}{ENTER}?code={self._sessions.code()}", "address": f"{url}/"})

    async def _start(self) -> None:
        try:
            listener = listen(HOST, self._wanted_port)
        except OSError as error:
            raise Problem(409, f"the console cannot listen at {HOST}:{self._wanted_port}: {error.strerror}") from error
        self._port = listener.getsockname()[1]
        self._pages = dict(await asyncio.to_thread(pages))
        serving = Serving(self, Bounds(LARGEST_HEAD, MOST_CONNECTIONS), None)
        await serving.start(listener)
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application that browsers speak to."""
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
        # The API answers in the name of who was let in; of the browser it hears what asks, not who.
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"cookie", b"origin", b"host", b"authorization")]
        passed = {**scope, "headers": [*kept, (b"host", HOST.encode())], CERTIFIED: True}
        await self._api()(passed, receive, guarded)

    async def _answer(self, request: Request) -> Reply | None:
        """None: the API answers. Raises Problem (401, 403, 404)."""
        path = request.path
        if path == ENTER:
            return self._enter(request)
        if not path.startswith(PASSED_ON):
            return self._page(request)
        if not self._sessions.knows(session_of(request.headers)):
            raise Problem(401, "run `meshmall console` again: this browser was not let in, or the mesh started anew")
        if path == OPEN:
            raise Problem(403, "a way into the console is given by `meshmall console` alone")
        if path == DIFF:
            if request.method != "POST":
                raise Problem(405, f"{request.method} is not for {path}")
            return await self._comparing.answer(request)
        return None

    def _enter(self, request: Request) -> Reply:
        session = self._sessions.enter(request.query.get("code", "")) if request.method == "GET" else None
        headers = {"location": "/"}
        if session is not None:
            headers["set-cookie"] = cookie(session, SESSION_LIVES)
        elif not self._sessions.knows(session_of(request.headers)):
            said = "This address was used already, or is older than a minute: run `meshmall console` again.\n"
            return Reply(said.encode(), 403, content_type="text/plain; charset=utf-8")
        return Reply(b"", 303, content_type="text/plain", headers=headers)

    def _page(self, request: Request) -> Reply:
        page = self._pages.get(request.path)
        if page is None:
            raise Problem(404, f"there is no page {request.path[:200]}")
        if request.method not in ("GET", "HEAD"):
            raise Problem(405, f"{request.method} is not for pages")
        if request.headers.get("if-none-match") == page.tag:
            return Reply(b"", 304, content_type=page.media, headers={"etag": page.tag})
        return Reply(page.body, content_type=page.media, headers={"etag": page.tag})


def _with_headers(send: Send) -> Send:
    """Every answer says what a browser may do with it."""

    async def guarded(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *HEADERS]}
        await send(message)

    return guarded
