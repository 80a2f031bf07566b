"""What the mesh shows of itself: requests, traces, topology, rules, metrics, and a stream of changes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from mesh.api.transport.http import Reply, Request, Stream
from mesh.api.transport.status_errors import Problem
from mesh.observe.failures import failures
from mesh.observe.metrics import CONTENT_TYPE
from mesh.observe.requests import Explain, describe
from mesh.observe.series import series
from mesh.observe.telemetry import Telemetry
from mesh.observe.topology import SLICE, SLICES, graph
from mesh.observe.traces import TraceFilter
from mesh.reconcile.follower import Follower
from mesh.routing.explain import listing
from mesh.routing.explain.dry_run import explain
from mesh.routing.model.snapshot import Snapshot
from mesh.store import Store

MOST_LISTED = 1_000
# The stream: seconds between two graphs, between two checks for changes, and between two signs of life, and how many of
# the newest traces are sent at once.
GRAPH_EVERY, CHECK_EVERY, ALIVE_EVERY = 1.0, 0.25, 15.0
MOST_TRACES = 200
WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class Sources:
    """What the API shows: the telemetry, why a span went where it did, and the routes in force."""

    telemetry: Telemetry
    explain: Explain
    snapshot: Callable[[], Snapshot]


class Observe:
    """Answers the paths under `/mesh/v1/` that only read, and `/metrics`."""

    def __init__(self, store: Store, sources: Sources, closing: asyncio.Event) -> None:
        self._store = store
        self._telemetry = sources.telemetry
        self._explain = sources.explain
        self._snapshot = sources.snapshot
        self._closing = closing

    async def metrics(self, _request: Request) -> Reply:
        return Reply(self._telemetry.text().encode(), content_type=CONTENT_TYPE)

    async def request(self, request: Request) -> Reply:
        """The recorded spans of the request with the x-request-id `id`. Raises Problem (400)."""
        request_id = request.query.get("id", "")
        if not request_id:
            raise Problem(400, "id: is missing; the x-request-id of a request")
        self._telemetry.catch_up()
        trace = self._telemetry.traces.get(request_id)
        return Reply({"items": describe(trace, self._explain) if trace is not None else []})

    async def traces(self, request: Request) -> Reply:
        """The newest requests, selected by `branch`, `service`, `status`, `min`, `text`, `from`, `before`, `limit`.

        With `order=slowest` the slowest ones, which has no next page. Raises Problem (400).
        """
        query = request.query
        limit = request.number("limit")
        try:
            criteria = TraceFilter(
                branch=query.get("branch", ""),
                service=query.get("service", ""),
                status=query.get("status", ""),
                least=_positive(query, "min", 0.0),
                text=query.get("text", "").lower(),
                caller=query.get("from", ""),
                before=request.number("before"),
                limit=min(limit if limit is not None else 200, MOST_LISTED),
            )
        except ValueError as error:
            raise Problem(400, str(error)) from None
        order = query.get("order", "")
        if order not in ("", "newest", "slowest"):
            raise Problem(400, f'order: "{order[:40]}" is not valid; use newest or slowest')
        self._telemetry.catch_up()
        traces = self._telemetry.traces
        matches, more = traces.slowest(criteria) if order == "slowest" else traces.find(criteria)
        return Reply({"items": [trace.summary() for trace in matches], "more": more})

    async def topology(self, request: Request) -> Reply:
        """The graph of the last `window` seconds, of all requests or of one `branch`. Raises Problem (400)."""
        try:
            window = _positive(request.query, "window", WINDOW)
        except ValueError as error:
            raise Problem(400, str(error)) from None
        self._telemetry.catch_up()
        window = min(max(window, SLICE), SLICE * SLICES)
        return Reply(graph(self._store, self._telemetry.calls, window, request.query.get("branch", "")))

    async def series(self, request: Request) -> Reply:
        """The last five minutes in steps of five seconds: of every service, or by workload of one `service`."""
        self._telemetry.catch_up()
        return Reply(series(self._telemetry.calls, request.query.get("service", ""), request.query.get("branch", "")))

    async def failures(self, request: Request) -> Reply:
        """Where the failing requests of the last `window` seconds failed, and why. Raises Problem (400)."""
        try:
            window = _positive(request.query, "window", WINDOW)
        except ValueError as error:
            raise Problem(400, str(error)) from None
        self._telemetry.catch_up()
        since = time.time() - window
        recent = self._telemetry.traces.failing_since(since, MOST_LISTED)
        return Reply({"window": window, "items": failures(recent)})

    async def rules(self, request: Request) -> Reply:
        """The services that have rules, or with `service` its rules in their order. Raises Problem (404)."""
        service = request.query.get("service", "")
        if not service:
            return Reply({"services": listing.services(self._snapshot()), "refused": self._refused()})
        try:
            return Reply({**listing.listing(self._snapshot(), service), "refused": self._refused()})
        except LookupError as error:
            raise Problem(404, str(error)) from None

    def _refused(self) -> list[dict[str, Any]]:
        """The rules that are not in force, and why."""
        refused = []
        for stored in self._store.everything():
            ref = stored.ref
            for condition in (stored.body.get("status") or {}).get("conditions") or ():
                if not isinstance(condition, dict):
                    continue
                # What Envoy merely has not acknowledged yet, such as a branch that is not ready, is not refused.
                not_in_force = condition.get("type") == "Programmed" and condition.get("status") == "False"
                if not_in_force and condition.get("reason") != "Pending":
                    identity = {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
                    refused.append({"object": identity, "reason": condition.get("message", "")})
        return refused

    async def route(self, request: Request) -> Reply:
        """A dry run of one request. Raises Problem (400) when the question is wrong."""
        question = await request.json_object()
        try:
            return Reply(explain(self._snapshot(), question))
        except ValueError as error:
            raise Problem(400, str(error)) from None

    async def stream(self, request: Request) -> Stream:
        """Server-sent events: `hello`, `topology`, `traces`, `objects`. An event's id is a place to resume from."""
        place = request.headers.get("last-event-id", "") or request.query.get("since", "")
        change = int(place) if place.isascii() and place.isdigit() and len(place) < 16 else None
        pieces = self._pieces(request.query.get("branch", ""), change)
        await request.body()
        return Stream(pieces, self._closing, content_type="text/event-stream")

    async def _pieces(self, branch: str, since: int | None) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        telemetry, traces = self._telemetry, self._telemetry.traces
        telemetry.catch_up()
        # A place that a previous daemon gave means nothing to this one.
        change = since if since is not None and since <= traces.changes else traces.changes
        yield _event("hello", {"place": traces.changes, "version": self._store.version}, change)
        graph_at = alive_at = 0.0
        last: dict[str, Any] = {}
        with Follower(self._store) as follower:
            follower.take()
            while True:
                now = loop.time()
                telemetry.catch_up()
                if kinds := {event.object.ref.kind for event in follower.take().events}:
                    yield _event("objects", {"kinds": sorted(kinds)}, change)
                if traces.changes != change:
                    summaries = [trace.summary() for trace in traces.changed_since(change, MOST_TRACES)]
                    change = traces.changes
                    yield _event("traces", {"items": summaries}, change)
                if now - graph_at >= GRAPH_EVERY:
                    graph_at = now
                    current = graph(self._store, telemetry.calls, WINDOW, branch)
                    at = current.pop("at")
                    if current != last:
                        last = current
                        alive_at = now
                        yield _event("topology", {**current, "at": at}, change)
                if now - alive_at >= ALIVE_EVERY:
                    alive_at = now
                    yield b": alive\n\n"
                await asyncio.sleep(CHECK_EVERY)


def _event(name: str, body: dict[str, Any], place: int) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (place, name.encode(), msgspec.json.encode(body))


def _positive(query: dict[str, str], name: str, default: float) -> float:
    """A number >= 0 from the query. Raises ValueError."""
    text = query.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise ValueError(f'{name}: "{text[:40]}" is not a number from 0')
    return value
