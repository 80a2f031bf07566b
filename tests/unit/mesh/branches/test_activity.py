"""When the use of a branch is reported."""

from typing import Any

from mesh.branches.activity import REPORT_USE_EVERY, Usage
from mesh.observe.hops import Hop
from mesh.store import Store


def hop(start: float, branch: str) -> Hop:
    given: dict[str, Any] = dict.fromkeys(
        ("cluster", "route", "method", "authority", "path", "flags", "request_id", "traceparent", "upstream"), ""
    )
    return Hop(start=start, duration=0.1, listener="127.0.0.1:8080", status=200, branch=branch, **given)


def test_not_every_request_of_a_branch_costs_a_write() -> None:
    usage = Usage(Store.open(None))
    assert usage.last_used("fox") == 0.0
    assert usage.take([hop(1000.0, "fox"), hop(1001.0, "fox"), hop(1001.0, "")], 1001.0) == {"fox"}
    assert usage.take([hop(1005.0, "fox")], 1005.0) == set()
    assert usage.last_used("fox") == 1005.0
    later = 1000.0 + REPORT_USE_EVERY
    assert usage.take([hop(later + 1, "fox"), hop(later, "ann")], later) == {"fox", "ann"}
    assert usage.take([hop(900.0, "fox")], later) == set()
    assert usage.last_used("fox") == later + 1


def test_a_new_branch_of_the_same_name_has_not_been_used() -> None:
    usage = Usage(Store.open(None))
    usage.take([hop(1000.0, "fox")], 1000.0)
    usage.forget("fox")
    assert (usage.last_used("fox"), usage.losses("fox")) == (0.0, [])
    assert usage.take([hop(1001.0, "fox")], 1001.0) == {"fox"}
