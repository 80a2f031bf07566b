"""What a snapshot must have before Envoy sees any of it."""

import pytest

from mesh.envoy.xds.consistency import Inconsistent, require_consistent
from mesh.envoy.xds.resources import Encoder
from mesh.routing.model.cluster import Cluster
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Route, WeightedCluster
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import RouteTable, VirtualHost


def table_to(action: Forward) -> dict[str, RouteTable]:
    return {"t": RouteTable("t", (VirtualHost("h", ("*",), (Route("r", Match(), action),)),))}


@pytest.mark.parametrize(
    ("snapshot", "lack"),
    [
        (Snapshot(1, {"l": Listener("l", Role.GATEWAY, "127.0.0.1", 1, table="t")}), "the table t"),
        (Snapshot(1, {"l": Listener("l", Role.GATEWAY, "127.0.0.1", 1, cluster="c")}), "the cluster c"),
        (Snapshot(1, {"l": Listener("l", Role.GATEWAY, "127.0.0.1", 1)}), "a table or a cluster"),
        (Snapshot(1, tables=table_to(Forward((WeightedCluster("c"),)))), "the cluster c"),
        (
            Snapshot(
                1,
                tables=table_to(Forward((WeightedCluster("a"),), mirrors=(("m", 1.0),))),
                clusters={"a": Cluster("a")},
                endpoints={"a": ()},
            ),
            "the cluster m",
        ),
        (Snapshot(1, clusters={"a": Cluster("a")}), "has no endpoint group"),
    ],
)
def test_a_snapshot_that_names_what_it_lacks_reaches_nobody(snapshot: Snapshot, lack: str) -> None:
    with pytest.raises(Inconsistent, match=lack):
        Encoder().encode(snapshot)


def test_what_did_not_change_is_looked_at_again_when_something_was_removed() -> None:
    listener = Listener("l", Role.GATEWAY, "127.0.0.1", 1, cluster="c")
    former = Snapshot(1, {"l": listener}, clusters={"c": Cluster("c")}, endpoints={"c": ()})
    require_consistent(former)
    require_consistent(Snapshot(2, {"l": listener}, clusters={"c": Cluster("c")}, endpoints={"c": ()}), former)
    with pytest.raises(Inconsistent, match="the cluster c"):
        require_consistent(Snapshot(3, {"l": listener}), former)


def test_what_changed_is_looked_at() -> None:
    former = Snapshot(
        1, tables=table_to(Forward((WeightedCluster("a"),))), clusters={"a": Cluster("a")}, endpoints={"a": ()}
    )
    require_consistent(former)
    changed = Snapshot(
        2, tables=table_to(Forward((WeightedCluster("b"),))), clusters={"a": Cluster("a")}, endpoints={"a": ()}
    )
    with pytest.raises(Inconsistent, match="the cluster b"):
        require_consistent(changed, former)


def test_a_refused_snapshot_is_nothing_to_compare_the_next_one_with() -> None:
    encoder = Encoder()
    wrong = Snapshot(1, {"l": Listener("l", Role.GATEWAY, "127.0.0.1", 1, table="t")})
    for _ in range(2):
        with pytest.raises(Inconsistent, match="the table t"):
            encoder.encode(wrong)
