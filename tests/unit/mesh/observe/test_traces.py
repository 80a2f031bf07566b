"""Requests: what belongs together, which are kept, and which are chosen."""

import pytest

from mesh.observe.traces import Trace, TraceFilter, Traces
from mesh.resources.meshmall.marks import tag_of
from tests.support.hops import MakeSpan


def test_the_trace_s_name_is_the_request_s_or_what_the_client_brought(span: MakeSpan) -> None:
    own = Trace(1, "f62410b9-5689-4f5d-b99a-db8fc8edd5d5")
    own.add(span("", "mall"))
    assert own.trace_id == "f62410b956894f5db99adb8fc8edd5d5"
    brought = Trace(2, "x")
    brought.add(span("", "mall", traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
    assert brought.trace_id == "a" * 32
    odd = Trace(3, "not a uuid")
    odd.add(span("", "mall"))
    assert len(odd.trace_id) == 32


def test_traces_are_bounded_in_number_and_in_spans(span: MakeSpan) -> None:
    traces = Traces(most=3, most_spans=5)
    for number in range(5):
        traces.add(span("", "mall", request_id=f"r{number}"))
    assert len(traces) == 3
    assert traces.get("r1") is None
    for _ in range(4):
        traces.add(span("mall", "stock", request_id="r4"))
    assert traces.get("r4") is not None
    assert len(traces) == 1
    trace = Trace(1, "x")
    for _ in range(1_001):
        trace.add(span("mall", "stock"))
    assert (len(trace.spans), trace.more, trace.summary()["hops"]) == (1_000, 1, 1_001)


def test_traces_are_chosen_by_branch_service_status_time_and_text(span: MakeSpan) -> None:
    traces = Traces()
    traces.add(span("", "mall", request_id="a", branch="fox", path="/Shop", duration=0.2))
    traces.add(span("", "products", request_id="b", status=503, authority="shop"))
    traces.add(span("mall", "stock", request_id="c", status=404))

    def found(**wanted: object) -> list[str]:
        return [item.request_id for item in traces.find(TraceFilter(**wanted))[0]]  # type: ignore[arg-type]

    assert found() == ["c", "b", "a"]
    assert found(branch="fox") == ["a"]
    assert found(branch="-") == ["c", "b"]
    assert found(service="mesh/products") == found(service="products") == ["b"]
    assert found(status="error") == found(status="5xx") == found(status="503") == ["b"]
    assert found(status="4xx") == ["c"]
    assert found(least=150.0) == ["a"]
    assert found(text="shop") == ["b", "a"]
    assert found(caller="gateway") == ["b", "a"]
    assert found(before=2) == ["a"]
    assert traces.find(TraceFilter(limit=2))[1]
    assert not traces.find(TraceFilter(limit=3))[1]
    with pytest.raises(ValueError, match="status"):
        TraceFilter(status="bad")


def test_a_reader_hears_of_each_change_once(span: MakeSpan) -> None:
    traces = Traces()
    traces.add(span("", "mall", request_id="a"))
    place = traces.changes
    traces.add(span("", "mall", request_id="b"))
    assert [item.request_id for item in traces.changed_since(place, 10)] == ["b"]
    traces.add(span("mall", "stock", request_id="a"))
    assert [item.request_id for item in traces.changed_since(place, 10)] == ["a", "b"]
    assert [item.request_id for item in traces.changed_since(traces.changes, 10)] == []


def test_a_marked_request_is_found_by_the_client_s_ids_and_by_those_that_programs_see(span: MakeSpan) -> None:
    mark = f"@fox-{tag_of(b'', 'fox')}"
    client, inside = "4bf92f3577b34da6a3ce929d0e0e4736", f"{tag_of(b'', 'fox')}a3ce929d0e0e4736"
    traces = Traces()
    traceparent = f"00-{inside}-00f067aa0ba902b7-01"
    request_id = f"mine{mark}"
    trace = traces.add(
        span("", "mall", request_id=request_id, branch="fox", traceparent=traceparent, original_trace=client)
    )
    assert trace is not None
    assert traces.add(span("mall", "products", request_id="mine")) is trace
    for identifier in ("mine", request_id, client, inside):
        assert traces.get(identifier) is trace
        assert traces.find(TraceFilter(text=identifier)) == ([trace], False)
    assert traces.get("0" * 32) is None
    summary = trace.summary()
    assert (summary["requestId"], summary["traceId"], summary["originalTraceId"]) == (request_id, inside, client)
