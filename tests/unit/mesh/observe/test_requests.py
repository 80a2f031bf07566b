"""A request's hops as a tree: who called whom, and in whose place somebody answered."""

import pytest

from mesh.observe.requests import describe, parents
from mesh.observe.traces import Trace, Traces
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store
from tests.support.hops import MakeSpan
from tests.support.objects import body


def nothing(*_: object) -> dict[str, object]:
    return {"rule": None, "why": ""}


def test_a_request_is_told_as_a_tree_by_who_called_while_being_called(span: MakeSpan) -> None:
    traces = Traces()
    for each in (span("products", "stock", 1.2, 0.1), span("mall", "products", 1.1, 0.3), span("", "mall", 1.0, 0.5)):
        traces.add(each)
    trace = traces.get("r")
    assert trace is not None
    told = describe(trace, nothing)
    assert [(item["parent"], item["source"], item["destination"]["workload"]) for item in told] == [
        (None, "", "mall-v1"),
        (0, "mall-v1", "products-v1"),
        (1, "products-v1", "stock-v1"),
    ]
    assert trace.summary()["services"] == ["mesh/mall", "mesh/products", "mesh/stock"]
    assert trace.milliseconds == pytest.approx(500)


def test_of_two_calls_that_follow_closely_the_one_that_encloses_is_the_cause(span: MakeSpan) -> None:
    spans = [span("", "products", 1.0, 0.1), span("", "products", 1.0015, 0.1), span("products", "stock", 1.001, 0.01)]
    assert parents(spans) == [None, None, 0]


@pytest.mark.parametrize(
    ("authority", "flags", "status", "service", "problem"),
    [
        ("stock:7000", "UH", 503, "mesh/stock", "no pod was ready to answer"),
        ("stock", "", 502, "mesh/stock", "the mesh knows no host stock"),
        ("stock.other.svc:80", "UF", 503, "other/stock", "the pod could not be reached"),
        ("stock.other", "UF,URX", 503, "other/stock", "the pod could not be reached, all retries failed"),
        ("stock.other.svc.cluster.local.", "UH", 503, "other/stock", "no pod was ready to answer"),
        ("Example.com:443", "", 502, "example.com", "the mesh knows no host Example.com:443"),
        ("", "UH", 503, "unknown", "no pod was ready to answer"),
        ("[::1]:80", "", 404, "unknown", ""),
    ],
)
def test_a_service_that_is_down_keeps_its_name_and_the_reason_is_in_words(
    store: Store, span: MakeSpan, authority: str, flags: str, status: int, service: str, problem: str
) -> None:
    store.commit([Put(Ref("", "Namespace", "", "other"), body("Namespace", "other", "", ""))])
    called = span("mall", "", cluster="", authority=authority, flags=flags, status=status)
    trace = Trace(1, "r")
    trace.add(called)
    (described,) = describe(trace, nothing)
    assert (described["service"], described["problem"]) == (service, problem)


def test_a_host_that_is_asked_for_from_outside_names_no_service(span: MakeSpan) -> None:
    assert span("", "", cluster="", authority="stock", status=404).service == "unknown"


def test_the_baseline_in_place_of_a_branch_is_marked(span: MakeSpan) -> None:
    trace = Trace(1, "r")
    trace.add(span("", "mall", 1.0, 0.5, branch="fox", fallback=("products",)))
    trace.add(span("mall", "products", 1.1, 0.1, branch="fox"))
    assert [item["fallback"] for item in describe(trace, nothing)] == [False, True]
    assert trace.summary()["fallback"] == ["products"]
