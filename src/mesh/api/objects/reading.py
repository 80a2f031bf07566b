"""GET on objects: one object, a list, a list in pages, a watch."""

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Sequence

import msgspec

from mesh.api.objects.paths import Target
from mesh.api.objects.selectors import Matches, selection
from mesh.api.objects.tables import table, wants_table
from mesh.api.settings import ApiSettings
from mesh.api.transport.http import Answer, Reply, Request, Stream
from mesh.api.transport.status_errors import Problem, not_found
from mesh.resources.values.body import Body
from mesh.store import Event, Expired, Store, Stored, Watch

encode = msgspec.json.encode


class Reading:
    """Answers from the store. `closing` ends its watches."""

    def __init__(self, store: Store, settings: ApiSettings, closing: asyncio.Event) -> None:
        self._store = store
        self._settings = settings
        self._closing = closing

    async def get(self, target: Target, request: Request) -> Answer:
        """One object, as a Table when that is asked for, or with `watch=true` its events. Raises Problem (404)."""
        if request.flag("watch"):
            return await self.list(target, request)
        stored = require(self._store, target)
        if wants_table(request.headers.get("accept", "")):
            metadata = {"resourceVersion": str(stored.version)}
            return Reply(_table(target, [stored], metadata, request))
        return Reply(shown(stored, target))

    async def get_status(self, target: Target, _request: Request) -> Reply:
        """The status subresource: the whole object, as in Kubernetes. Raises Problem (404)."""
        return Reply(shown(require(self._store, target), target))

    async def list(self, target: Target, request: Request) -> Answer:
        """A collection: a List object, or with `watch=true` a stream of events."""
        matches = selection(
            request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""), target.definition.kind
        )
        if target.name:
            matches = selection("", f"metadata.name={target.name}", target.definition.kind)
        if request.flag("watch"):
            return Stream(self._watch(target, request, matches), self._closing)
        return Reply(self._page(target, request, matches))

    def _page(self, target: Target, request: Request, matches: Matches | None) -> Body:
        objects = self._store.list(target.definition.group, target.definition.kind, target.namespace or None)
        if matches:
            objects = [stored for stored in objects if matches(stored.body)]
        metadata: Body = {"resourceVersion": str(self._store.version)}
        limit = request.number("limit")
        if token := request.query.get("continue"):
            after = _after(token)
            # By name and not by number: objects that come or go between two pages shift no other.
            objects = [stored for stored in objects if (stored.ref.namespace, stored.ref.name) > after]
        if limit and len(objects) > limit:
            last = objects[limit - 1].ref
            metadata["continue"] = base64.urlsafe_b64encode(encode([last.namespace, last.name])).decode()
            metadata["remainingItemCount"] = len(objects) - limit
            objects = objects[:limit]
        if wants_table(request.headers.get("accept", "")):
            return _table(target, objects, metadata, request)
        return {
            "kind": f"{target.definition.kind}List",
            "apiVersion": target.api_version,
            "metadata": metadata,
            "items": [shown(stored, target) for stored in objects],
        }

    async def _watch(self, target: Target, request: Request, matches: Matches | None) -> AsyncGenerator[bytes, None]:
        limit = min(request.number("timeoutSeconds") or self._settings.watch_limit, self._settings.watch_limit)
        since = request.number("resourceVersion") or 0
        initial = request.flag("sendInitialEvents")
        bookmarks = request.flag("allowWatchBookmarks")
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        as_table = wants_table(request.headers.get("accept", ""))

        def line_of(event: Event) -> bytes | None:
            return _line(event, target, matches, request if as_table else None)

        try:
            definition = target.definition
            version = self._store.version
            async with self._store.watch(
                definition.group, definition.kind, target.namespace or None, 0 if initial else since
            ) as watch:
                # Without waiting: what is there already comes before the bookmark that says so.
                for event in watch.take():
                    if line := line_of(event):
                        yield line
                if initial and bookmarks:
                    yield _bookmark(target, version, initial=True)
                while (remaining := end - loop.time()) > 0 and not watch.closed:
                    events = await _within(watch, min(remaining, self._settings.bookmark_every))
                    if not events and bookmarks and loop.time() < end:
                        yield _bookmark(target, self._store.version)
                    for event in events:
                        if line := line_of(event):
                            yield line
        except Expired as error:
            # Too late for a status code: clients know this event, and list again.
            yield encode({"type": "ERROR", "object": Problem(410, str(error)).status()}) + b"\n"


async def _within(watch: Watch, seconds: float) -> list[Event]:
    """The next events; none when none come in time."""
    try:
        async with asyncio.timeout(seconds):
            return await watch.batch()
    except TimeoutError:
        # The events that came while the time-out was being handled are not lost.
        return watch.take()


def require(store: Store, target: Target) -> Stored:
    """The object that a path names. Raises Problem (404)."""
    stored = store.get(target.ref)
    if stored is None:
        raise not_found(target.definition, target.ref)
    return stored


def shown(stored: Stored, target: Target) -> Body:
    """The object's body at the version of the API that the path names."""
    if stored.body["apiVersion"] == target.api_version:
        return stored.body
    return {**stored.body, "apiVersion": target.api_version}


def _table(target: Target, objects: Sequence[Stored], metadata: Body, request: Request) -> Body:
    bodies = [shown(stored, target) for stored in objects]
    return table(target.definition, target.version, bodies, metadata, request.query.get("includeObject", ""))


def _line(event: Event, target: Target, matches: Matches | None, as_table: Request | None = None) -> bytes | None:
    """An event as a client with this selector sees it: an object that stops matching is DELETED to it."""
    kind: str = event.type
    if matches is not None:
        before = event.previous is not None and matches(event.previous.body)
        now = event.type != "DELETED" and matches(event.object.body)
        if not before and not now:
            return None
        kind = "DELETED" if not now else "MODIFIED" if before else "ADDED"
    if as_table is not None:
        metadata = {"resourceVersion": str(event.version)}
        return encode({"type": kind, "object": _table(target, [event.object], metadata, as_table)}) + b"\n"
    return encode({"type": kind, "object": shown(event.object, target)}) + b"\n"


def _bookmark(target: Target, version: int, *, initial: bool = False) -> bytes:
    metadata: Body = {"resourceVersion": str(version), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    body = {"kind": target.definition.kind, "apiVersion": target.api_version, "metadata": metadata}
    return encode({"type": "BOOKMARK", "object": body}) + b"\n"


def _after(token: str) -> tuple[str, str]:
    try:
        namespace, name = msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[str, str])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise Problem(400, "continue: this token was not given by this server") from None
    return namespace, name
