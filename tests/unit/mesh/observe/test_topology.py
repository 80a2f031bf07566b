"""The graph: who calls whom, how often, how fast."""

from typing import Any

import pytest

from mesh.observe.topology import Calls, Tally, graph
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store
from tests.support.hops import MakeSpan
from tests.support.objects import service


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def edge(seen: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    (found,) = [item for item in seen["edges"] if (item["source"], item["target"]) == (source, target)]
    return dict(found)


def test_calls_are_summed_by_their_ends(store: Store, span: MakeSpan) -> None:
    calls = Calls()
    for number in range(100):
        calls.count(span("mall", "products", duration=0.01 if number < 98 else 1.0, branch="fox" if number % 2 else ""))
    calls.count(span("mall", "stock", status=500))
    seen = graph(store, calls, 60)
    found = edge(seen, "mesh/mall", "mesh/products")
    assert (found["requests"], found["errors"], found["byBranch"]) == (100, 0, {"": 50, "fox": 50})
    assert found["p50"] == pytest.approx(10, rel=0.06)
    assert found["p99"] == pytest.approx(1000, rel=0.06)
    assert edge(seen, "mesh/mall", "mesh/stock")["errorShare"] == 1.0


def test_one_branch_or_the_baseline_alone_can_be_looked_at(store: Store, span: MakeSpan) -> None:
    calls = Calls()
    calls.count(span("", "mall", branch="fox"))
    calls.count(span("", "mall"))
    calls.count(span("mall", "stock"))
    assert [item["target"] for item in graph(store, calls, 60, "fox")["edges"]] == ["mesh/mall"]
    assert [item["target"] for item in graph(store, calls, 60, "-")["edges"]] == ["mesh/mall", "mesh/stock"]


def test_what_is_older_than_the_window_does_not_count(store: Store, span: MakeSpan) -> None:
    clock = Clock()
    calls = Calls(clock)
    for _ in range(300):
        calls.count(span("mall", "stock"))
        clock.now += 1
    assert edge(graph(store, calls, 60), "mesh/mall", "mesh/stock")["rate"] == pytest.approx(1.0, abs=0.1)
    clock.now += 100
    assert graph(store, calls, 60)["edges"] == []


def test_services_without_calls_are_shown(store: Store) -> None:
    raw = service("users")
    store.commit([Put(Ref("", "Service", "mesh", "users"), raw)])
    seen = graph(store, Calls(), 60)
    assert [(item["id"], item["kind"]) for item in seen["services"]] == [
        ("gateway", "gateway"),
        ("mesh/users", "service"),
    ]


def test_what_nobody_answered_is_counted_at_the_service_that_was_asked(store: Store, span: MakeSpan) -> None:
    calls = Calls()
    calls.count(span("mall", "", status=503, cluster="outbound|7000||stock.mesh.svc.cluster.local"))
    calls.count(span("mall", "", status=404, cluster=""))
    seen = graph(store, calls, 60)
    assert edge(seen, "mesh/mall", "mesh/stock")["errors"] == 1
    assert edge(seen, "mesh/mall", "unknown")["errors"] == 0


def test_quantiles_of_nothing_are_nothing() -> None:
    assert Tally().quantile(0.5) is None


def test_connections_and_their_bytes_are_counted_beside_requests(store: Store, span: MakeSpan) -> None:
    calls = Calls()
    tcp = {"protocol": "tcp", "status": 0, "request_id": ""}
    calls.count(span("mall", "stock", opened=True, request_bytes=10, response_bytes=1000, **tcp))
    calls.count(span("mall", "stock", request_bytes=5, response_bytes=500, **tcp))
    calls.count(span("mall", "", opened=True, flags="UH", cluster="outbound|1||stock.mesh.svc.cluster.local", **tcp))
    seen = graph(store, calls, 60)

    (found,) = [item for item in seen["edges"] if item["targetWorkload"]]
    assert found["tcp"] == {"connections": 1, "failed": 0, "sentBytes": 15, "receivedBytes": 1500}
    assert (found["requests"], found["errors"]) == (0, 0)
    (failed,) = [item for item in seen["edges"] if not item["targetWorkload"]]
    assert failed["tcp"]["failed"] == 1
