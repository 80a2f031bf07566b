"""Where failing requests failed, and why."""

from mesh.observe.failures import failures, origins
from mesh.observe.traces import TraceFilter, Traces
from tests.support.hops import MakeSpan

GONE = {"cluster": "outbound|7000||stock.mesh.svc.cluster.local", "status": 503, "flags": "UH"}


def test_the_service_that_began_it_is_named_and_not_those_that_passed_it_on(span: MakeSpan) -> None:
    traces = Traces()
    for number in range(3):
        request = {"request_id": f"r{number}"}
        traces.add(span("products", "", 10.2 + number, 0.1, **GONE, **request))
        traces.add(span("mall", "products", 10.1 + number, 0.3, status=502, **request))
        traces.add(span("", "mall", 10.0 + number, 0.5, status=200, **request))
    (failure,) = failures(traces.failing_since(0, 100))
    assert failure == {
        "service": "mesh/stock",
        "workload": "",
        "branch": "",
        "status": 503,
        "reason": "no pod was ready to answer",
        "count": 3,
        "requestId": "r2",
        "at": 12.2,
        "method": "GET",
        "url": "http://nobody:7000/p",
    } | {"url": failure["url"]}
    assert failures(traces.failing_since(12.0, 100))[0]["count"] == 1


def test_of_two_calls_into_one_pod_at_the_same_time_neither_is_blamed_for_what_it_called(span: MakeSpan) -> None:
    traces = Traces()
    for request in (
        span("mall", "products", 1.0, 0.4, status=502),
        span("mall", "products", 1.05, 0.3, status=502),
        span("products", "", 1.1, 0.1, **GONE),
        span("products", "", 1.15, 0.1, **GONE),
    ):
        traces.add(request)
    trace = traces.get("r")
    assert trace is not None
    assert [origin.service for origin in origins(trace)] == ["mesh/stock", "mesh/stock"]


def test_a_pod_that_answers_with_an_error_of_its_own_is_named(span: MakeSpan) -> None:
    traces = Traces()
    traces.add(span("mall", "stock", 1.0, 0.1, status=500, branch="fox"))
    (failure,) = failures(traces.failing_since(0, 100))
    assert (failure["workload"], failure["branch"], failure["status"], failure["reason"]) == (
        "stock-v1",
        "fox",
        500,
        "",
    )


def test_the_slowest_requests_come_first(span: MakeSpan) -> None:
    traces = Traces()
    for number, duration in enumerate((0.1, 0.9, 0.4, 0.2)):
        traces.add(span("", "mall", 1.0, duration, request_id=f"r{number}"))
    found, more = traces.slowest(TraceFilter(limit=3))
    assert ([trace.request_id for trace in found], more) == (["r1", "r2", "r3"], True)
