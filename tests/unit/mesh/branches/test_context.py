"""Who loses the branch: what is certain is told, what is not is not."""

from typing import Any

import pytest

from mesh.branches.activity import Usage
from mesh.branches.context import SETTLE, ContextWatch
from mesh.branches.status import context_kept
from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store
from tests.support.objects import pod

MALL, STOCK = "127.1.0.1", "127.1.0.2"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def store() -> Store:
    held = Store.open(None)
    for name, ip in (("mall", MALL), ("stock", STOCK)):
        raw = pod(f"{name}-v1-x-y", ip, app=name)
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-v1-x", "uid": "u", "controller": True}
        raw["metadata"]["ownerReferences"] = [owner]
        held.commit([Put(Ref("", "Pod", "mesh", f"{name}-v1-x-y"), raw)])
    return held


def hop(start: float, duration: float, listener: str, upstream: str, **more: Any) -> Hop:
    given: dict[str, Any] = {
        "cluster": "",
        "route": "",
        "method": "GET",
        "authority": "x:7000",
        "path": "/p",
        "status": 200,
        "flags": "",
    }
    given |= {"request_id": "", "traceparent": "", "branch": "", **more}
    return Hop(start=start, duration=duration, listener=f"{listener}:15001", upstream=upstream, **given)


def into(start: float, branch: str, **more: Any) -> Hop:
    """A request that the mall handles for half a second."""
    return hop(start, 0.5, "127.0.0.1", f"{MALL}:7000", branch=branch, **more)


def out(start: float, branch: str = "", **more: Any) -> Hop:
    """A call that the mall makes."""
    return hop(start, 0.1, MALL, f"{STOCK}:7000", branch=branch, **more)


def lost(store: Store, *hops: Hop) -> list[str]:
    found, _ = ContextWatch(Addresses(store)).take(hops, now=100.0 + SETTLE)
    return [str(item) for item in found]


def test_a_call_without_the_branch_of_the_request_that_made_it_is_told_with_an_example(store: Store) -> None:
    assert lost(store, out(1.1), into(1.0, "fox")) == [
        "mall (mall-v1) handled GET /p of branch fox, and called GET http://x:7000/p without it"
    ]


@pytest.mark.parametrize(
    "hops",
    [
        (out(1.1, "fox"), into(1.0, "fox")),
        (out(1.1), into(1.0, "")),
        (out(2.1), into(1.0, "fox")),
        (out(1.1), into(1.0, "fox"), into(1.05, "")),
        (out(1.1), into(1.0, "fox"), into(1.05, "jason")),
        (out(1.1, request_id="r2"), into(1.0, "fox", request_id="r1"), into(1.05, "", request_id="r2")),
        (out(1.1, traceparent=OTHER), into(1.0, "fox", traceparent=TRACE), into(1.0, "", traceparent=OTHER)),
    ],
    ids=["kept", "no branch", "later", "two at once", "two branches", "other request", "other trace"],
)
def test_what_is_not_certain_is_not_told(store: Store, hops: tuple[Hop, ...]) -> None:
    assert lost(store, *hops) == []


def test_among_many_requests_at_once_the_one_is_found_that_made_the_call(store: Store) -> None:
    others = [into(1.0 + number / 100, "") for number in range(5)]
    by_id = (out(1.1, request_id="r"), into(1.0, "fox", request_id="r"), *others)
    by_trace = (out(1.1, traceparent=TRACE), into(1.0, "fox", traceparent=TRACE), *others)
    assert len(lost(store, *by_id)) == len(lost(store, *by_trace)) == 1


def test_a_call_is_looked_at_when_its_request_has_been_told_too(store: Store) -> None:
    watch = ContextWatch(Addresses(store))
    assert watch.take([out(1.1)], now=1.3) == ([], [])
    found, _ = watch.take([into(1.0, "fox")], now=1.2 + SETTLE)
    assert [item.branch for item in found] == ["fox"]


def test_the_condition_names_the_program_until_it_keeps_the_branch(store: Store) -> None:
    usage = Usage(store)
    assert context_kept(usage.losses("fox"))["status"] == "True"
    assert usage.take([out(1.1), into(1.0, "fox")], now=10.0) == {"fox"}
    condition = context_kept(usage.losses("fox"))
    assert condition["status"] == "False"
    assert "mall (mall-v1) handled GET /p of branch fox" in condition["message"]
    assert usage.last_used("fox") == 1.0
    assert usage.take([out(11.1, "fox"), into(11.0, "fox")], now=20.0) == {"fox"}
    assert context_kept(usage.losses("fox"))["status"] == "True"
    usage.forget("fox")
    assert usage.last_used("fox") == 0.0
