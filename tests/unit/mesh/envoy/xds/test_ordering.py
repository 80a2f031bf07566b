"""The order of a change, as tables: what Envoy has, what it should have, the steps between."""

from collections.abc import Mapping

import pytest

from mesh.envoy.xds.ordering import Step, plan
from mesh.envoy.xds.resources import Encoder, Kind, Resources
from mesh.routing.model.cluster import Cluster, Endpoint, Outlier
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Route, WeightedCluster
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import RouteTable, VirtualHost

POD = Endpoint("127.9.0.1", 7000)
OTHER = Endpoint("127.9.0.2", 7000)
EMPTY: Resources = {kind: {} for kind in Kind}


def world(
    routes: Mapping[str, str],
    pods: Mapping[str, tuple[Endpoint, ...]],
    doors: Mapping[str, str] | None = None,
    outlier: Outlier | None = None,
) -> Resources:
    """`routes`: cluster by table; `pods`: endpoints by cluster; `doors`: table by listener."""
    doors = {f"door-{name}": name for name in routes} if doors is None else doors
    return Encoder().encode(
        Snapshot(
            1,
            {
                name: Listener(name, Role.CLUSTER_IP, "127.9.0.9", 80 + number, table)
                for number, (name, table) in enumerate(doors.items())
            },
            {
                name: RouteTable(
                    name,
                    (VirtualHost("all", ("*",), (Route("r", Match(), Forward((WeightedCluster(cluster),))),)),),
                )
                for name, cluster in routes.items()
            },
            {name: Cluster(name, outlier=outlier) for name in pods},
            pods,
        )
    )


def told(step: Step) -> str:
    """A step in short: `+cluster:a +endpoints:a (endpoints:a)`; `-` removes, brackets wait for a question."""
    parts = []
    for sign, group in (("+{}", step.send), ("-{}", step.remove), ("({})", step.awaited)):
        for kind in Kind:
            parts += [sign.format(f"{kind.name.lower()}:{name}") for name in sorted(group.get(kind, ()))]
    return " ".join(parts)


@pytest.mark.parametrize(
    ("old", "new", "steps"),
    [
        (EMPTY, EMPTY, []),
        (world({"t": "a"}, {"a": (POD,)}), world({"t": "a"}, {"a": (POD,)}), []),
        # At first: clusters with their pods, then who names them.
        (
            EMPTY,
            world({"t": "a"}, {"a": (POD,)}),
            [
                "+cluster:a +endpoints:a (endpoints:a)",
                # What rows ask of tokens is there before the rows.
                "+extension:mesh.tokens",
                "+routes:t",
                "+listener:door-t (routes:t) (extension:mesh.tokens)",
            ],
        ),
        # A pod more: its endpoint, nothing else.
        (world({"t": "a"}, {"a": (POD,)}), world({"t": "a"}, {"a": (POD, OTHER)}), ["+endpoints:a"]),
        # A branch comes: its cluster is there and has its pods before a route leads to it.
        (
            world({"t": "a"}, {"a": (POD,)}),
            world({"t": "b"}, {"a": (POD,), "b": (OTHER,)}),
            ["+cluster:b +endpoints:b (endpoints:b)", "+routes:t"],
        ),
        # A branch goes: nobody is sent to it any more before it is taken away.
        (
            world({"t": "b"}, {"a": (POD,), "b": (OTHER,)}),
            world({"t": "a"}, {"a": (POD,)}),
            ["+routes:t", "-cluster:b"],
        ),
        # Its pods are gone already, while a route still leads there: the route turns first.
        (
            world({"t": "b"}, {"a": (POD,), "b": (OTHER,)}),
            world({"t": "a"}, {"a": (POD,), "b": ()}),
            ["+routes:t", "+endpoints:b"],
        ),
        # No route changes: a cluster that loses its last pod says so at once.
        (world({"t": "a"}, {"a": (POD,)}), world({"t": "a"}, {"a": ()}), ["+endpoints:a"]),
        # A cluster with another policy gets its endpoints again along with it.
        (
            world({"t": "a"}, {"a": (POD,)}),
            world({"t": "a"}, {"a": (POD,)}, outlier=Outlier(consecutive_5xx=3)),
            ["+cluster:a +endpoints:a"],
        ),
        # A listener goes with its table, which nobody asks for then.
        (
            world({"t": "a", "u": "a"}, {"a": (POD,)}, {"one": "t", "two": "u"}),
            world({"t": "a"}, {"a": (POD,)}, {"one": "t"}),
            ["-listener:two"],
        ),
    ],
)
def test_the_steps_of_a_change(old: Resources, new: Resources, steps: list[str]) -> None:
    assert [told(step) for part in plan(old, new) for step in part] == steps


def test_what_did_not_change_is_not_encoded_again() -> None:
    encoder = Encoder()
    pods = {"a": (POD,), "b": (OTHER,)}
    clusters = {name: Cluster(name) for name in pods}
    first = encoder.encode(Snapshot(1, clusters=clusters, endpoints=pods))
    second = encoder.encode(Snapshot(2, clusters={**clusters, "a": Cluster("a", http2=True)}, endpoints={**pods}))
    assert second[Kind.CLUSTER]["b"] is first[Kind.CLUSTER]["b"]
    assert second[Kind.ENDPOINTS]["a"] is first[Kind.ENDPOINTS]["a"]
    assert second[Kind.CLUSTER]["a"].version != first[Kind.CLUSTER]["a"].version


def test_a_version_means_the_same_to_whoever_encodes() -> None:
    one, other = (world({"t": "a"}, {"a": (POD,)}) for _ in range(2))
    assert [item.version for item in one[Kind.ROUTES].values()] == [
        item.version for item in other[Kind.ROUTES].values()
    ]
