"""A service as an application: routes, probes, errors, log. `mall.kit.server` serves it."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from mall.kit.answer import Answer, json_answer
from mall.kit.log import RequestLog
from mall.kit.openapi import Operation, document
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.settings import Settings

Handler = Callable[[Request], Coroutine[Any, Any, Answer]]
PROBES = frozenset(("/healthz/live", "/healthz/ready"))


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
        self._routes: dict[str, dict[str, Handler]] = {}
        for (method, path), operation in operations.items():
            self._routes.setdefault(path, {})[method] = operation.handler
        for path, handler in (
            ("/healthz/live", self._live),
            ("/healthz/ready", self._ready),
            ("/openapi.json", self._openapi),
        ):
            self._routes[path] = {"GET": handler}

    async def answer(self, request: Request) -> Answer:
        """The answer to a request, whatever happens; only a cancellation is raised."""
        try:
            return await self._handler(request)(request)
        except Problem as problem:
            return problem.answer()
        except Exception as error:
            self.log.event("error", "unexpected", path=request.path, error=repr(error))
            return Problem(500, "an unexpected error; see the log").answer()

    def refusal(self, request: Request) -> Problem | None:
        """Why a request will be refused, as far as its head shows, or None."""
        try:
            self._handler(request)
        except Problem as problem:
            return problem
        return None

    def late(self) -> Problem:
        """For a request whose handler has been cancelled."""
        return Problem(504, f"no answer within {self.settings.request_timeout:g} s")

    def record(self, request: Request | None, status: int) -> None:
        """Logs a request that has been answered; None when not even its head could be read."""
        if request is None:
            self.log.request("-", "-", status, 0.0, [])
        elif request.path not in PROBES:
            # One that was refused before its body had come has not begun.
            seconds = time.perf_counter() - request.begun if request.begun else 0.0
            self.log.request(request.method, request.path, status, seconds, request.headers)

    def _handler(self, request: Request) -> Handler:
        method = "GET" if request.method == "HEAD" else request.method
        methods = self._routes.get(request.path)
        if methods is None:
            if self._fallback is None:
                raise Problem(404, f"{request.path} does not exist")
            if method == "GET":
                return self._fallback
            methods = {"GET": self._fallback}
        handler = methods.get(method)
        if handler is None:
            allowed = ", ".join(sorted({*methods, *(["HEAD"] if "GET" in methods else [])}))
            detail = f"{request.path} allows {allowed}"
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
