"""pods/NAME/exec, /attach and /portforward: from the request to the conversation (Kubernetes' PodExecOptions,
PodAttachOptions and PodPortForwardOptions)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from mesh.api.node.pod_logs import container_of
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require
from mesh.api.streaming.backend import NotRunning, PodBytes, PodStreams, RunningCommand
from mesh.api.streaming.port_forward import forward, ports_of
from mesh.api.streaming.remote_command import Wishes, accept, converse
from mesh.api.transport.http import Request, Takeover
from mesh.api.transport.status_errors import Problem
from mesh.api.transport.upgrade import Upgrade
from mesh.store import Store, Stored

MOST_WORDS = 4_096


class PodStreaming:
    """Answers by taking over the connection. `closing` is set when the server stops."""

    def __init__(self, store: Store, backend: PodStreams | None, closing: asyncio.Event) -> None:
        self._store = store
        self._backend = backend
        self._closing = closing

    async def exec(self, target: Target, request: Request) -> Takeover:
        """A command beside a container's own. Raises Problem (400, 404, 500)."""
        pod = require(self._store, target)
        wishes = _wishes(request)
        argv = tuple(request.queries.get("command", ()))
        if not argv:
            raise Problem(400, "command: missing; name the program to run, for example ?command=ls")
        if len(argv) > MOST_WORDS:
            raise Problem(400, f"command: {len(argv)} words; at most {MOST_WORDS} are accepted")
        container = _running_container(pod, request)
        backend = self._required()

        def begin() -> Awaitable[RunningCommand]:
            return backend.run(pod.ref, pod.uid, container, argv, stdin=wishes.stdin, tty=wishes.tty)

        return await self._conversation(request, wishes, begin)

    async def attach(self, target: Target, request: Request) -> Takeover:
        """The streams of a container's own process. Raises Problem (400, 404, 500)."""
        pod = require(self._store, target)
        wishes = _wishes(request)
        container = _running_container(pod, request)
        backend = self._required()

        def begin() -> Awaitable[RunningCommand]:
            return backend.attach(pod.ref, pod.uid, container, stdin=wishes.stdin, tty=wishes.tty)

        return await self._conversation(request, wishes, begin)

    async def port_forward(self, target: Target, request: Request) -> Takeover:
        """Connections to ports of the pod. Raises Problem (400, 404, 500)."""
        pod = require(self._store, target)
        ports = ports_of(request.queries.get("ports", ()))
        backend = self._required()
        upgrade = _upgrade(request)

        async def connect(port: int) -> PodBytes:
            return await backend.connect(pod.ref, pod.uid, port)

        async def serve() -> None:
            await forward(upgrade, request.headers, ports, connect)

        if (phase := (pod.body.get("status") or {}).get("phase")) != "Running":
            raise Problem(400, f"unable to forward port because pod is not running. Current status={phase}")
        return Takeover(self._until_closing(serve))

    async def _conversation(
        self, request: Request, wishes: Wishes, begin: Callable[[], Awaitable[RunningCommand]]
    ) -> Takeover:
        """Begins before the protocol is switched, so that what fails is answered with a Status."""
        upgrade = _upgrade(request)
        try:
            command = await begin()
        except NotRunning as problem:
            raise Problem(500, str(problem)) from None

        async def serve() -> None:
            try:
                client = await accept(upgrade, request.headers, wishes)
            except BaseException:
                await command.close()
                raise
            await converse(client, command, wishes)

        return Takeover(self._until_closing(serve))

    def _required(self) -> PodStreams:
        if self._backend is None:
            raise Problem(501, "this server has no node behind it that could run commands")
        return self._backend

    def _until_closing(self, serve: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            work = asyncio.ensure_future(serve())
            closing = asyncio.ensure_future(self._closing.wait())
            try:
                await asyncio.wait([work, closing], return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    with suppress(OSError, TimeoutError):
                        work.result()
            finally:
                for task in (work, closing):
                    task.cancel()
                await asyncio.gather(work, closing, return_exceptions=True)

        return run


def _upgrade(request: Request) -> Upgrade:
    if request.upgrade is None or not request.headers.get("upgrade"):
        raise Problem(400, "unable to upgrade: the request needs `Upgrade: websocket` or `Upgrade: SPDY/3.1`")
    return request.upgrade


def _wishes(request: Request) -> Wishes:
    tty = request.flag("tty")
    wishes = Wishes(request.flag("stdin"), request.flag("stdout"), request.flag("stderr") and not tty, tty)
    if not (wishes.stdin or wishes.stdout or wishes.stderr):
        raise Problem(400, "you must specify at least 1 of stdin, stdout, stderr")
    return wishes


def _running_container(pod: Stored, request: Request) -> str:
    name = container_of(pod, request.query.get("container", ""))
    status = pod.body.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        raise Problem(400, f"cannot exec into a container in a completed pod; current phase is {status.get('phase')}")
    return name
