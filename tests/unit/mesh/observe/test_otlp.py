"""Spans as OTLP, as a collector gets them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from mesh.observe.hops import Ring
from mesh.observe.otlp import Endpoint, Exporter, encode, endpoint
from mesh.observe.telemetry import Telemetry
from mesh.observe.traces import Trace
from mesh.store import Store
from tests.support.hops import MakeHop, MakeSpan
from tests.support.server import Server

ID = "f62410b9-5689-4f5d-b99a-db8fc8edd5d5"
OWN = "00-f62410b956894f5db99adb8fc8edd5d5-b99adb8fc8edd5d5-01"


def spans_of(raw: bytes) -> dict[str, Any]:
    """By name; each with its service and its attributes as a dict."""
    found = {}
    for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
        service = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}[
            "service.name"
        ]
        for scope in resource.instrumentation_library_spans:
            for each in scope.spans:
                values = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in each.attributes}
                found[each.name] = (each, service, values)
    return found


def request(span: MakeSpan, traceparent: str = OWN) -> Trace:
    trace = Trace(1, ID)
    more = {"request_id": ID, "branch": "fox"}
    trace.add(span("products", "stock", 1.2, 0.1, traceparent=traceparent, **more))
    trace.add(span("mall", "products", 1.1, 0.3, traceparent=traceparent, **more))
    trace.add(span("", "mall", 1.0, 0.5, traceparent=traceparent, fallback=("products",), **more))
    return trace


def test_a_request_is_a_tree_that_begins_at_the_gateway(span: MakeSpan) -> None:
    found = spans_of(encode([request(span)]))
    door, service, attributes = found["GET mesh/mall"]
    assert (door.trace_id.hex(), door.span_id.hex(), door.parent_span_id) == (
        ID.replace("-", ""),
        "b99adb8fc8edd5d5",
        b"",
    )
    assert (service, door.kind) == ("gateway", door.SPAN_KIND_SERVER)
    assert (door.start_time_unix_nano, door.end_time_unix_nano) == (1_000_000_000, 1_500_000_000)
    inner, service, attributes = found["GET mesh/products"]
    assert (inner.parent_span_id, service) == (door.span_id, "mall")
    assert attributes["mesh.branch"] == "fox"
    assert attributes["mesh.branch.fallback"] is True
    assert (attributes["mesh.destination.workload"], attributes["http.response.status_code"]) == ("products-v1", 200)
    assert found["GET mesh/stock"][0].parent_span_id == inner.span_id


def test_a_client_s_own_trace_goes_on(span: MakeSpan) -> None:
    found = spans_of(encode([request(span, f"00-{'a' * 32}-{'c' * 16}-01")]))
    door = found["GET mesh/mall"][0]
    assert (door.trace_id.hex(), door.parent_span_id.hex()) == ("a" * 32, "c" * 16)
    assert found["GET mesh/products"][0].parent_span_id == door.span_id


def test_a_program_s_own_span_is_the_parent_of_its_calls(span: MakeSpan) -> None:
    trace = Trace(1, ID)
    trace.add(span("", "mall", 1.0, 0.5, traceparent=OWN, request_id=ID))
    trace.add(span("mall", "stock", 1.1, 0.1, traceparent=OWN.replace("-b99adb8fc8edd5d5-", f"-{'d' * 16}-")))
    assert spans_of(encode([trace]))["GET mesh/stock"][0].parent_span_id.hex() == "d" * 16


def test_errors_are_marked(span: MakeSpan) -> None:
    trace = Trace(1, ID)
    trace.add(span("mall", "stock", status=503, flags="UH", path="/stock?ids=1"))
    failed, _, attributes = spans_of(encode([trace]))["GET mesh/stock"]
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert (attributes["response_flags"], attributes["url.path"], attributes["url.query"]) == ("UH", "/stock", "ids=1")


def test_the_environment_says_where_spans_go() -> None:
    assert endpoint({}) is None
    told = endpoint({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/", "OTEL_EXPORTER_OTLP_HEADERS": "k=v%20w, x=y"})
    assert told == Endpoint("http://c:4318/v1/traces", {"k": "v w", "x": "y"})
    whole = endpoint({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/x"})
    assert whole is not None
    assert whole.url == "http://d/x"
    with pytest.raises(ValueError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        endpoint({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4318"})


class Collector:
    """Answers POSTs with the statuses it is told, then with 200, and keeps the bodies."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.moved = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.heads.append(head)
            self.bodies.append(body)
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        self.moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self.moved.clear()
                await self.moved.wait()


StartCollector = Callable[[Collector], Awaitable[str]]


@pytest.fixture
async def start() -> AsyncIterator[StartCollector]:
    servers: list[Server] = []

    async def begin(collector: Collector) -> str:
        servers.append(await Server.start(collector.serve, "127.0.0.1"))
        return f"http://127.0.0.1:{servers[-1].port}/v1/traces"

    yield begin
    for server in servers:
        await server.stop()


async def test_whole_requests_reach_the_collector(start: StartCollector, store: Store, hop: MakeHop) -> None:
    collector = Collector()
    exporter = Exporter(Endpoint(await start(collector), {"api-key": "k"}))
    exporter.start()
    ring = Ring()
    telemetry = Telemetry(store, ring, exporter)
    telemetry.start()
    ring.add(hop("mall", "stock", 1.1, 0.1, request_id=ID))
    ring.add(hop("", "mall", 1.0, 0.5, request_id=ID))
    await collector.until(lambda: bool(collector.bodies))
    await telemetry.stop()
    await exporter.stop()
    assert "post /v1/traces" in collector.heads[0]
    assert "content-type: application/x-protobuf" in collector.heads[0]
    assert "api-key: k" in collector.heads[0]
    assert set(spans_of(collector.bodies[0])) == {"GET mesh/mall", "GET mesh/stock"}


async def test_a_collector_that_is_away_gets_them_later(
    start: StartCollector, span: MakeSpan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh.observe.otlp.FIRST_PAUSE", 0.01)
    collector = Collector()
    collector.statuses = [503, 429]
    exporter = Exporter(Endpoint(await start(collector), {}))
    exporter.start()
    exporter([request(span)])
    await collector.until(lambda: bool(collector.bodies))
    await exporter.stop()
    assert len(spans_of(collector.bodies[0])) == 3
    assert exporter.sent == 1
