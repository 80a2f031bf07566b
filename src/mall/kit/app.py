"""A service as an ASGI application: routes, probes, errors, deadline, log."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from mall.kit.answer import Answer, json_answer
from mall.kit.context import branch_of
from mall.kit.log import RequestLog
from mall.kit.openapi import Operation, document
from mall.kit.problem import Problem
from mall.kit.request import Receive, Request
from mall.kit.settings import Settings

Handler = Callable[[Request], Awaitable[Answer]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]
PROBES = frozenset(("/healthz/live", "/healthz/ready"))
LONGEST_TARGET = 8 * 1024


class App:
    """`routes` maps a path to its operations by method. `fallback` handles GET of every other path.

    `ready` says whether the service can do its work (for example, whether its database answers); the readiness probe
    calls it.
    """

    def __init__(
        self,
        settings: Settings,
        operations: Mapping[tuple[str, str], Operation],
        *,
        ready: Callable[[], Awaitable[bool]] | None = None,
        fallback: Handler | None = None,
        log: RequestLog | None = None,
    ) -> None:
        self.settings = settings
        self.log = log or RequestLog(settings.service, settings.version)
        self.draining = False
        self._is_ready = ready
        self._fallback = fallback
        self._document = json_answer(document(settings, operations))
        self._server = f"mall-{settings.service}/{settings.version}".encode()
        self._routes: dict[str, dict[str, Handler]] = {}
        for (method, path), operation in operations.items():
            self._routes.setdefault(path, {})[method] = operation.handler
        for path, handler in (
            ("/healthz/live", self._live),
            ("/healthz/ready", self._ready),
            ("/openapi.json", self._openapi),
        ):
            self._routes[path] = {"GET": handler}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        answer = await self._answer(scope, receive)
        method = scope["method"]
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"server", self._server),
            *answer.headers,
        ]
        if self.draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
        path = scope["path"]
        if path not in PROBES:
            request_id = ""
            for name, value in scope["headers"]:
                if name == b"x-request-id":
                    request_id = value.decode("latin-1")
                    break
            took = time.perf_counter() - begun
            self.log.request(method, path, answer.status, took, request_id, branch_of(scope["headers"]))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            handler = self._handler(scope)
            request = Request(scope, receive, self.settings.max_body)
            async with asyncio.timeout(self.settings.request_timeout):
                return await handler(request)
        except Problem as problem:
            return problem.answer()
        except TimeoutError:
            return Problem(504, f"no answer within {self.settings.request_timeout:g} s").answer()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.log.event("error", "unexpected", path=scope["path"], error=repr(error))
            return Problem(500, "an unexpected error; see the log").answer()

    def _handler(self, scope: Scope) -> Handler:
        method: str = scope["method"]
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
            raise Problem(414, f"the URL is longer than {LONGEST_TARGET} bytes")
        if method == "HEAD":
            method = "GET"
        methods = self._routes.get(scope["path"])
        if methods is None:
            if self._fallback is None:
                raise Problem(404, f"{scope['path']} does not exist")
            if method == "GET":
                return self._fallback
            methods = {"GET": self._fallback}
        handler = methods.get(method)
        if handler is None:
            allowed = ", ".join(sorted({*methods, *(["HEAD"] if "GET" in methods else [])}))
            detail = f"{scope['path']} allows {allowed}"
            raise Problem(405, detail, headers=((b"allow", allowed.encode()),))
        return handler

    async def _live(self, _: Request) -> Answer:
        return json_answer({"status": "live"})

    async def _ready(self, _: Request) -> Answer:
        if self.draining:
            raise Problem(503, "shutting down")
        if self._is_ready is not None and not await self._is_ready():
            raise Problem(503, "not ready")
        return json_answer({"status": "ready"})

    async def _openapi(self, _: Request) -> Answer:
        return self._document
