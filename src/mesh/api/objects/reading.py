"""GET on objects: one object, a list, a list in pages, a watch."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import msgspec

from mesh.api.objects.list_options import Continuation, ListOptions, list_options, too_large, version_of
from mesh.api.objects.paths import Target
from mesh.api.objects.representations import META, Form, metadata_only, representation
from mesh.api.objects.selectors import Matches, selection
from mesh.api.objects.tables import table
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
        """One object, in the representation that is asked for. Raises Problem (400, 404, 406, 504)."""
        version = version_of(request.query.get("resourceVersion", ""))
        if version is not None and version > self._store.version:
            raise too_large(version, self._store.version)
        stored = require(self._store, target)
        form = representation(request.headers.get("accept", ""))
        if form is Form.TABLE:
            metadata = {"resourceVersion": str(stored.version)}
            return Reply(_table(target, [stored], metadata, request))
        return Reply(metadata_only(shown(stored, target)) if form is Form.METADATA else shown(stored, target))

    async def get_status(self, target: Target, request: Request) -> Answer:
        """The status subresource: the whole object, as in Kubernetes. Raises Problem (404)."""
        return await self.get(target, request)

    async def list(self, target: Target, request: Request) -> Answer:
        """A collection: a List object, or with `watch=true` a stream of events. Raises Problem (400, 410, 422, 504)."""
        options = list_options(request.query)
        matches = selection(
            request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""), target.definition.kind
        )
        form = representation(request.headers.get("accept", ""))
        if options.watch:
            return Stream(self._watch(target, request, options, matches, form), self._closing)
        return Reply(self._page(target, request, options, matches, form))

    async def watch(self, target: Target, request: Request) -> Answer:
        """The paths of Kubernetes before `watch=true`: `/api/v1/watch/namespaces/...`."""
        request.query["watch"] = "true"
        if target.name:
            request.query["fieldSelector"] = f"metadata.name={target.name}"
        return await self.list(target._replace(name=""), request)

    def _page(
        self, target: Target, request: Request, options: ListOptions, matches: Matches | None, form: Form
    ) -> Body:
        objects, version = self._snapshot(target, options)
        if matches:
            objects = [stored for stored in objects if matches(stored.body)]
        metadata: Body = {"resourceVersion": str(version)}
        if options.after is not None:
            after = options.after[1:]
            objects = [stored for stored in objects if (stored.ref.namespace, stored.ref.name) > after]
        if options.limit and len(objects) > options.limit:
            last = objects[options.limit - 1].ref
            metadata["continue"] = Continuation(version, last.namespace, last.name).token()
            if matches is None:
                # As in Kubernetes, which does not count ahead what a selector would leave.
                metadata["remainingItemCount"] = len(objects) - options.limit
            objects = objects[: options.limit]
        if form is Form.TABLE:
            return _table(target, objects, metadata, request)
        if form is Form.METADATA:
            items = [metadata_only(shown(stored, target)) for stored in objects]
            kind, api_version = "PartialObjectMetadataList", META
        else:
            items = [shown(stored, target) for stored in objects]
            kind, api_version = f"{target.definition.kind}List", target.api_version
        return {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items}

    def _snapshot(self, target: Target, options: ListOptions) -> tuple[Sequence[Stored], int]:
        """The objects to list, and the version of the store at which they were so. Raises Problem (410, 504)."""
        (group, kind), namespace = target.definition.stored_kind, target.namespace or None
        current = self._store.version
        if options.version is not None and options.version > current:
            raise too_large(options.version, current)
        # The pages after the first show what was there at the first; `Exact` asks for a state itself.
        then = options.after.version if options.after else options.version if options.exact else None
        if then is None or then == current:
            return self._store.list(group, kind, namespace), current
        try:
            return self._store.list_at(group, kind, namespace, then), then
        except Expired as error:
            raise Problem(410, f"{error}; list again without continue") from None

    async def _watch(
        self, target: Target, request: Request, options: ListOptions, matches: Matches | None, form: Form
    ) -> AsyncGenerator[bytes, None]:
        limit = min(options.timeout or self._settings.watch_limit, self._settings.watch_limit)
        bookmarks = options.bookmarks
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        # None: from now on.
        since = 0 if options.initial else None if options.initial is False else options.version or 0

        def line_of(event: Event) -> bytes | None:
            return _line(event, target, matches, request, form)

        try:
            definition = target.definition
            version = self._store.version
            async with self._store.watch(*definition.stored_kind, target.namespace or None, since) as watch:
                # Without waiting: what is there already comes before the bookmark that says so.
                for event in watch.take():
                    if line := line_of(event):
                        yield line
                if options.initial and bookmarks:
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
    definition = target.definition
    # The store counts changes of every kind: the mesh itself compares them.
    body = stored.body if definition.has_generation else stored.without_generation
    if body["apiVersion"] != target.api_version:
        if definition.form_of is not None:
            body = definition.form_of.from_stored(body)
        elif definition.at_version is not None:
            body = definition.at_version(body, target.version)
        else:
            body = {**body, "apiVersion": target.api_version}
    return body


def _table(target: Target, objects: Sequence[Stored], metadata: Body, request: Request) -> Body:
    bodies = [shown(stored, target) for stored in objects]
    return table(target.definition, target.version, bodies, metadata, request.query.get("includeObject", ""))


def _line(event: Event, target: Target, matches: Matches | None, request: Request, form: Form) -> bytes | None:
    """An event as a client with this selector sees it: an object that stops matching is DELETED to it."""
    kind: str = event.type
    if matches is not None:
        before = event.previous is not None and matches(event.previous.body)
        now = event.type != "DELETED" and matches(event.object.body)
        if not before and not now:
            return None
        kind = "DELETED" if not now else "MODIFIED" if before else "ADDED"
    if form is Form.TABLE:
        metadata = {"resourceVersion": str(event.version)}
        return encode({"type": kind, "object": _table(target, [event.object], metadata, request)}) + b"\n"
    body = metadata_only(shown(event.object, target)) if form is Form.METADATA else shown(event.object, target)
    return encode({"type": kind, "object": body}) + b"\n"


def _bookmark(target: Target, version: int, *, initial: bool = False) -> bytes:
    metadata: Body = {"resourceVersion": str(version), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    body = {"kind": target.definition.kind, "apiVersion": target.api_version, "metadata": metadata}
    return encode({"type": "BOOKMARK", "object": body}) + b"\n"
