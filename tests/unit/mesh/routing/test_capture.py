"""What is decided by where a connection was going, in a mesh whose pods have network namespaces."""

from typing import Any

import pytest

from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.model.listener import Listener
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.transparent import BLACK_HOLE, Capture, Refusal, TcpRoute
from mesh.routing.network import NamespaceNetwork
from mesh.routing.world import MeshSettings, World
from tests.support.objects import Body, body, branch, pod, service
from tests.support.worlds import typed

NETWORK = NamespaceNetwork()


def captured(*bodies: Body, **settings: Any) -> Snapshot:
    world = World.build(1, [typed(raw, age) for age, raw in enumerate(bodies)])
    return compile(world, MeshSettings(network=NETWORK, **settings))


def with_ip(raw: Body, ip: str) -> Body:
    raw["spec"]["clusterIP"] = ip
    return raw


def listener(snap: Snapshot, name: str) -> Listener:
    return snap.listeners[f"sidecar|mesh/{name}"]


def capture(snap: Snapshot, name: str) -> Capture:
    found = listener(snap, name).capture
    assert found is not None
    return found


def routes(snap: Snapshot, name: str) -> dict[str, TcpRoute]:
    return {route.name: route for route in capture(snap, name).routes}


def test_a_pods_listener_is_on_the_loopback_of_its_namespace() -> None:
    client = pod("client", "10.244.1.1")
    client["metadata"]["uid"] = "some-uid"
    found = listener(captured(client), "client")
    assert (found.address, found.port, found.netns) == ("127.0.0.1", 15001, "netns/some-uid")


def test_only_what_may_be_bytes_has_routes_and_clusterips_have_no_listeners() -> None:
    snap = captured(
        with_ip(service("web", port=80), "10.96.1.1"),
        with_ip(service("cache", port=6379, port_name="redis"), "10.96.1.2"),
        with_ip(service("any", port=9000, port_name="any"), "10.96.1.3"),
        pod("client", "10.244.1.1"),
    )
    found = routes(snap, "client")
    assert {name: (route.places, route.declared) for name, route in found.items()} == {
        "tcp|6379|cache.mesh.svc.cluster.local": (("10.96.1.2:6379",), True),
        "tcp|9000|any.mesh.svc.cluster.local": (("10.96.1.3:9000",), False),
    }
    assert (capture(snap, "client").uninspected, capture(snap, "client").http_ports) == ((6379,), (80,))
    assert not [name for name in snap.listeners if name.startswith("clusterip|")]


def test_a_number_that_is_http_somewhere_is_inspected() -> None:
    snap = captured(
        with_ip(service("web", port=6379), "10.96.1.1"),
        with_ip(service("cache", port=6379, port_name="redis"), "10.96.1.2"),
        pod("client", "10.244.1.1"),
    )
    assert (capture(snap, "client").uninspected, capture(snap, "client").http_ports) == ((), ())


def test_the_host_that_takes_all_others_knows_services_by_their_addresses() -> None:
    web = with_ip(service("web", port=80), "10.96.1.1")
    web["spec"]["ports"][0]["nodePort"] = 30080
    snap = captured(web, pod("client", "10.244.1.1"))
    (other,) = [host for host in snap.tables["outbound|mesh"].hosts if host.domains == ("*",)]
    host = "web.mesh.svc.cluster.local:80"
    assert other.by_destination == (("10.96.1.1:80", host), ("10.244.0.1:30080", host))
    assert [route.name for route in other.routes] == ["outside", "pod", "unknown host"]


@pytest.mark.parametrize("headless", [False, True])
def test_a_branchs_own_pods_reach_its_own_in_place_of_the_baselines(headless: bool) -> None:
    cache = with_ip(service("cache", port=7000, port_name="tcp"), "None" if headless else "10.96.1.2")
    labels = {"app": "cache", BRANCH_LABEL: "fox"}
    snap = captured(
        cache,
        branch("fox", services={"cache": {"fork": {}}}),
        pod("client", "10.244.1.1"),
        pod("cache-1", "10.244.1.2", app="cache"),
        pod("own", "10.244.1.3", **{**labels, SERVICE_LABEL: "cache"}),  # type: ignore[arg-type]
    )
    name = "tcp|7000|cache.mesh.svc.cluster.local"
    own = routes(snap, "own")[name]
    assert [share.cluster for share in own.to] == ["branch|fox|7000|cache.mesh.svc.cluster.local"]
    assert own.places == (("10.244.1.2:7000",) if headless else ("10.96.1.2:7000",))
    if headless:
        assert name not in routes(snap, "client")
    else:
        assert [share.cluster for share in routes(snap, "client")[name].to] == [
            "outbound|7000||cache.mesh.svc.cluster.local"
        ]


def only_for(account: str, **to: Any) -> Body:
    rules: list[Body] = [{"from": [{"source": {"principals": [f"cluster.local/ns/mesh/sa/{account}"]}}], **to}]
    selector = {"matchLabels": {"app": "cache"}}
    return body("AuthorizationPolicy", "p", group="security.istio.io", selector=selector, rules=rules)


def test_a_caller_that_may_not_reach_a_service_reaches_nobody() -> None:
    friend = pod("friend", "10.244.1.9")
    friend["spec"]["serviceAccountName"] = "friend"
    bodies = (
        with_ip(service("cache", port=6379, port_name="redis"), "10.96.1.2"),
        pod("client", "10.244.1.1"),
        pod("cache-1", "10.244.1.2", app="cache"),
        friend,
    )
    snap = captured(*bodies, only_for("friend"))
    name = "tcp|6379|cache.mesh.svc.cluster.local"
    assert [share.cluster for share in routes(snap, "client")[name].to] == [BLACK_HOLE]
    assert capture(snap, "client").refusals == (Refusal(("10.244.1.2",)),)
    assert [share.cluster for share in routes(snap, "friend")[name].to] == [
        "outbound|6379||cache.mesh.svc.cluster.local"
    ]
    assert capture(snap, "friend").refusals == ()

    # By port: the friend may use this one and no other.
    by_port = captured(*bodies, only_for("friend", to=[{"operation": {"ports": ["6379"]}}]))
    assert capture(by_port, "friend").refusals == (Refusal(("10.244.1.2",), (), (6379,)),)
    assert capture(by_port, "client").refusals == (Refusal(("10.244.1.2",)),)


def test_pods_of_one_kind_share_what_they_do() -> None:
    snap = captured(*(pod(f"client-{number}", f"10.244.1.{number}") for number in range(1, 4)))
    assert len({id(capture(snap, f"client-{number}")) for number in range(1, 4)}) == 1


def test_endpoints_that_are_no_pods_are_reached_by_the_edge() -> None:
    entry = body(
        "ServiceEntry",
        "outside",
        hosts=["db.example.com"],
        ports=[{"number": 5432, "name": "tcp", "protocol": "TCP"}],
        resolution="STATIC",
        endpoints=[{"address": "192.0.2.7"}],
    )
    snap = captured(entry, service("web"), pod("web-1", "10.244.1.2", app="web"))
    (outside,) = snap.endpoints["outbound|5432||db.example.com"]
    assert outside.pipe == "edge/to-192.0.2.7-5432.sock"
    (inside,) = snap.endpoints["outbound|7000||web.mesh.svc.cluster.local"]
    assert inside.pipe == ""


def test_a_range_of_pods_must_end_at_a_dot() -> None:
    assert NETWORK.pod_prefix == "10.244."
    with pytest.raises(ValueError, match=r"10\.244\.0\.0/15"):
        NamespaceNetwork(pods="10.244.0.0/15")


def test_developers_programs_reach_the_gateways_by_the_edge() -> None:
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    gateway = body("Gateway", "door", selector={}, servers=[server])
    snap = captured(
        gateway,
        branch("fox", services={"a": {"version": "v1"}}),
        ports={80: 8080},
        gateway_address="127.9.9.9",
        developer_subnet="127.20.255",
    )
    (host,) = (host for host in snap.tables["outbound|mesh"].hosts if "127.9.9.9:8080" in host.domains)
    (endpoint,) = snap.endpoints[host.name]
    assert (endpoint.address, endpoint.port) == ("127.9.9.9", 8080)
    assert endpoint.pipe == NETWORK.outside_socket("127.9.9.9", 8080)
