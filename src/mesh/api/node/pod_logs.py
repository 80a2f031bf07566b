"""GET on pods/NAME/log (Kubernetes' PodLogOptions)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime

from mesh.api.interfaces import Logs
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require
from mesh.api.transport.http import Request, Stream
from mesh.api.transport.status_errors import Problem
from mesh.pods.logs.log_reader import LogOptions
from mesh.store import Store, Stored

FIRST_PIECE_WITHIN = 0.05
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


class PodLogs:
    """Streams what containers have written."""

    def __init__(self, store: Store, logs: Logs, closing: asyncio.Event) -> None:
        self._store = store
        self._logs = logs
        self._closing = closing

    async def read(self, target: Target, request: Request) -> Stream:
        """The log as text, with `follow` until the container ends. Raises Problem (400, 404)."""
        pod = require(self._store, target)
        options = LogOptions(
            follow=request.flag("follow"),
            previous=request.flag("previous"),
            tail_lines=request.number("tailLines"),
            since_seconds=request.number("sinceSeconds"),
            since_time=_since(request.query.get("sinceTime", "")),
            timestamps=request.flag("timestamps"),
            limit_bytes=request.number("limitBytes"),
        )
        container = container_of(pod, request.query.get("container", ""))
        pieces = self._logs.read(target.namespace, target.name, container, options)
        # That there is no log is known at the first piece. An empty one that is followed must not delay the headers.
        first = asyncio.ensure_future(anext(pieces, None))
        await asyncio.wait([first], timeout=FIRST_PIECE_WITHIN)
        if first.done() and isinstance(first.exception(), LookupError):
            raise Problem(400, _no_log(pod, container) or str(first.exception()))
        return Stream(_after(first, pieces), self._closing, "text/plain; charset=utf-8")


def _no_log(pod: Stored, container: str) -> str:
    """Why a container has not run yet, as the kubelet says it; "" when the status does not tell."""
    status = pod.body.get("status") or {}
    statuses = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    for entry in (entry for name in statuses for entry in status.get(name) or ()):
        waiting = (entry.get("state") or {}).get("waiting") or {}
        if entry["name"] == container and waiting.get("reason"):
            why = f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
            return f'container "{container}" in pod "{pod.ref.name}" is waiting to start: {why}'
    return ""


async def _after(first: "asyncio.Future[bytes | None]", pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    try:
        piece = await first
        if piece is None:
            return
        yield piece
        async for piece in pieces:
            yield piece
    finally:
        first.cancel()
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def container_of(pod: Stored, requested: str) -> str:
    """The container of a request: the one it names, or the only one. Raises Problem (400)."""
    spec = pod.body["spec"]
    names = [container["name"] for part in CONTAINER_LISTS for container in spec.get(part, ())]
    if requested:
        if requested not in names:
            raise Problem(400, f"container {requested} is not valid for pod {pod.ref.name}; it has {', '.join(names)}")
        return requested
    main = [str(container["name"]) for container in spec["containers"]]
    if len(main) > 1:
        raise Problem(
            400,
            f"a container name must be specified for pod {pod.ref.name}, choose one of: [{' '.join(main)}]",
        )
    return main[0]


def _since(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Problem(400, f'sinceTime: "{text}" is not a time (RFC 3339)') from None
