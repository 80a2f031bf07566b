"""How calls developed over the last five minutes."""

from mesh.observe.series import series
from mesh.observe.topology import SLICE, SLICES, Calls
from tests.support.hops import MakeSpan


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_service_s_workloads_have_a_value_for_each_slice_the_oldest_first(span: MakeSpan) -> None:
    clock = Clock()
    calls = Calls(clock)
    calls.count(span("mall", "products", duration=0.01))
    clock.now += SLICE
    calls.count(span("mall", "products", status=500))
    calls.count(span("mall", "", cluster="outbound|7000||products.mesh.svc.cluster.local", status=503))
    clock.now += SLICE
    # The slice that is still being filled is not part of it.
    calls.count(span("mall", "products"))
    found = series(calls, "mesh/products")
    assert (found["step"], found["end"]) == (SLICE, 1_000_000 + 2 * SLICE)
    nobody, products = found["items"]
    assert (nobody["name"], products["name"]) == ("", "products-v1")
    assert len(products["requests"]) == len(products["p99"]) == SLICES
    assert products["requests"][-3:] == [0, 1, 1]
    assert products["errors"][-2:] == [0, 1]
    assert nobody["errors"][-1] == 1
    assert products["p99"][-3] is None


def test_all_services_or_one_branch_s_requests(span: MakeSpan) -> None:
    clock = Clock()
    calls = Calls(clock)
    calls.count(span("mall", "products", branch="fox"))
    calls.count(span("mall", "stock"))
    clock.now += SLICE
    assert [item["name"] for item in series(calls)["items"]] == ["mesh/products", "mesh/stock"]
    assert [item["name"] for item in series(calls, branch="fox")["items"]] == ["mesh/products"]
