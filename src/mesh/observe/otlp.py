"""Spans to an OpenTelemetry collector: OTLP over HTTP with protobuf bodies.

Follows the OTLP specification 1.x (`POST <endpoint>/v1/traces`, ExportTraceServiceRequest) and the environment
variables of the OpenTelemetry SDKs. Attributes have OpenTelemetry's names, and Istio's where it has none.
"""

import asyncio
import hashlib
import http.client
import logging
import os
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit

from mesh.observe.requests import fell_back, ordered, parents
from mesh.observe.spans import GATEWAY, Span
from mesh.observe.traces import TRACEPARENT, Trace
from mesh.reconcile.supervisor import Supervisor
from mesh.resources.meshmall.marks import unmarked

# Traces: how many wait at most, and how many go into one request.
MOST_WAITING, MOST_AT_ONCE = 2_000, 200
# Seconds for one request.
LIMIT = 10.0
# Seconds between attempts while the collector does not respond: the first pause, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
MEDIA = "application/x-protobuf"
LARGEST_ANSWER = 1 << 20
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where spans go, and the headers that go with them."""

    url: str
    headers: Mapping[str, str]


def endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint | None:
    """What `OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT` and `..._HEADERS` say; None without an endpoint.

    Raises ValueError when that is not an HTTP URL.
    """
    name, url = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    if not url:
        name, url = "OTEL_EXPORTER_OTLP_ENDPOINT", environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
        if not url:
            return None
        url = url.rstrip("/") + "/v1/traces"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f'{name}: "{environment[name][:200]}" is not a URL such as http://127.0.0.1:4318')
    text = environment.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environment.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return Endpoint(url, {key.strip(): unquote(value.strip()) for key, _, value in pairs})


class Exporter:
    """Sends traces in batches. While the collector is unreachable, the newest are kept, up to a bound."""

    LOOP = "otlp"

    def __init__(self, to: Endpoint, supervisor: Supervisor | None = None) -> None:
        self._to = to
        self._waiting: deque[Trace] = deque(maxlen=MOST_WAITING)
        self._arrived = asyncio.Event()
        self._supervisor = supervisor or Supervisor()
        self.sent = 0

    def __call__(self, traces: list[Trace]) -> None:
        """Queues traces for sending."""
        self._waiting.extend(traces)
        self._arrived.set()

    def start(self) -> None:
        self._supervisor.start(self.LOOP, self._run)

    async def stop(self) -> None:
        """Stops; first sends what is waiting, if the collector answers."""
        await self._supervisor.stop(self.LOOP)
        with suppress(Exception):
            await asyncio.wait_for(self._send_all(), 2.0)

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            try:
                await self._send_all()
                pause = FIRST_PAUSE
            except (OSError, http.client.HTTPException) as error:
                # An unreachable collector is no failure of the mesh: no restart of this loop, no problem in its status.
                log.warning("spans cannot be sent to %s: %s", self._to.url, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                self._arrived.set()

    async def _send_all(self) -> None:
        while self._waiting:
            batch = list(islice(self._waiting, MOST_AT_ONCE))
            status = await asyncio.to_thread(_post, self._to, batch)
            if status in (408, 429) or status >= 500:
                raise OSError(f"it responds with {status}")
            if status >= 400:
                log.warning("%s rejects spans: %s", self._to.url, status)
            # More may have arrived meanwhile and displaced some of these.
            for trace in batch:
                if self._waiting and self._waiting[0] is trace:
                    self._waiting.popleft()
            self.sent += len(batch)


def _post(to: Endpoint, batch: Sequence[Trace]) -> int:
    """Sends traces in one request and returns the status. Blocks. Raises OSError or HTTPException."""
    parts = urlsplit(to.url)
    secure = parts.scheme == "https"
    connection_type = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connection_type(parts.hostname or "", parts.port, timeout=LIMIT)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, encode(batch), {**to.headers, "content-type": MEDIA})
        response = connection.getresponse()
        response.read(LARGEST_ANSWER)
        return response.status
    finally:
        connection.close()


def encode(traces: Sequence[Trace]) -> bytes:
    """An ExportTraceServiceRequest with a ResourceSpans for each calling service.

    The messages are those of Envoy's package (OpenTelemetry's own cannot be installed next to it). They have an older
    name for what is called ScopeSpans today: field 2, with the same fields, so the bytes are the same.
    """
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2  # noqa: PLC0415 - only where spans are sent

    request = trace_service_pb2.ExportTraceServiceRequest()
    scopes: dict[str, Any] = {}
    for trace in traces:
        spans = ordered(trace)
        ids = _ids(spans)
        for span, parent, span_id in zip(spans, _parent_ids(spans, ids), ids, strict=True):
            scope = scopes.get(span.caller)
            if scope is None:
                resource = request.resource_spans.add()
                _attributes(resource.resource, _resource(span))
                scope = scopes[span.caller] = resource.instrumentation_library_spans.add()
                scope.instrumentation_library.name = "mesh-mall"
            _span(scope.spans.add(), span, trace, span_id, parent)
    return bytes(request.SerializeToString())


def _span(message: Any, span: Span, trace: Trace, span_id: str, parent: str) -> None:
    hop = span.hop
    message.trace_id = bytes.fromhex(trace.trace_id)
    message.span_id = bytes.fromhex(span_id)
    message.parent_span_id = bytes.fromhex(parent)
    message.name = f"{hop.method} {span.service}"
    message.kind = message.SPAN_KIND_SERVER if span.caller == GATEWAY else message.SPAN_KIND_CLIENT
    message.start_time_unix_nano = int(hop.start * 1e9)
    message.end_time_unix_nano = int(hop.end * 1e9)
    if span.failed:
        message.status.code = message.status.STATUS_CODE_ERROR
    path, _, query = hop.path.partition("?")
    callee = span.destination
    _attributes(
        message,
        {
            "http.request.method": hop.method,
            "http.response.status_code": hop.status,
            "server.address": hop.authority.partition(":")[0],
            "url.path": path,
            "url.query": query,
            "http.request.body.size": hop.request_bytes,
            "http.response.body.size": hop.response_bytes,
            "upstream_cluster.name": hop.cluster,
            "response_flags": hop.flags,
            "guid:x-request-id": hop.request_id,
            "mesh.route": hop.route,
            "mesh.branch": hop.branch,
            "mesh.branch.fallback": fell_back(span, trace),
            "mesh.source.workload": span.source.owner if span.source is not None else "",
            "mesh.source.version": span.source.version if span.source is not None else "",
            "mesh.destination.service": span.service,
            "mesh.destination.workload": callee.owner if callee is not None else "",
            "mesh.destination.version": callee.version if callee is not None else "",
            "mesh.destination.branch": callee.branch if callee is not None else "",
            "mesh.destination.pod": callee.pod if callee is not None else "",
        },
    )


def _resource(span: Span) -> dict[str, Any]:
    namespace, _, name = span.caller.rpartition("/")
    return {"service.name": name, "service.namespace": namespace}


def _attributes(message: Any, pairs: Mapping[str, str | int | bool]) -> None:
    for key, value in pairs.items():
        if value == "":
            continue
        attribute = message.attributes.add(key=key)
        match value:
            case bool():
                attribute.value.bool_value = value
            case int():
                attribute.value.int_value = value
            case str():
                attribute.value.string_value = value


def _ids(spans: Sequence[Span]) -> list[str]:
    """The spans' ids. The first is the one in its own `traceparent`, if the gateway wrote that."""
    ids = []
    for number, span in enumerate(spans):
        hop = span.hop
        given = TRACEPARENT.fullmatch(hop.traceparent)
        if number == 0 and given is not None and _written_by_gateway(span, given[2]):
            ids.append(given[2])
        else:
            text = f"{hop.request_id}|{hop.start!r}|{hop.listener}|{hop.upstream}|{hop.cluster}|{number}"
            ids.append(hashlib.sha256(text.encode()).hexdigest()[:16])
    return ids


def _parent_ids(spans: Sequence[Span], ids: Sequence[str]) -> list[str]:
    """The id of each span's parent: the program's own span where it made one, else the span that entered it."""
    parent_ids = []
    for span, number in zip(spans, parents(spans), strict=True):
        carried = TRACEPARENT.fullmatch(span.hop.traceparent)
        given = carried[2] if carried is not None else ""
        if number is None:
            parent_ids.append("" if given in ids else given)
            continue
        above = TRACEPARENT.fullmatch(spans[number].hop.traceparent)
        # A program that propagates the incoming header unchanged has made no span of its own.
        own = given and given != (above[2] if above is not None else "") and given not in ids
        parent_ids.append(given if own else ids[number])
    return parent_ids


def _written_by_gateway(span: Span, span_id: str) -> bool:
    return unmarked(span.hop.request_id).replace("-", "")[16:] == span_id
