"""What objects mean: the route tables, clusters and listeners that they become."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.model.route import Forward, Respond, Retry
from mesh.routing.world import MeshSettings, World
from tests.support.objects import Body, body, cookie, pod, rule, service, to
from tests.support.worlds import clusters, decided, snapshot, typed

SHOP = (service("products"), service("products-fox"), service("mall"))


@pytest.mark.parametrize(
    "host",
    ["products:7000", "products.mesh:7000", "products.mesh.svc:7000", "products.mesh.svc.cluster.local:7000"],
)
def test_a_service_is_called_by_all_its_names(host: str) -> None:
    assert clusters(decided(snapshot(*SHOP), host)) == ["products"]


def test_another_port_or_name_is_unknown() -> None:
    for host in ("products:80", "products", "nobody:7000"):
        row = decided(snapshot(*SHOP), host)
        assert row is not None
        assert isinstance(row.action, Respond)
        assert row.action.status == 502


def test_port_80_needs_no_number_and_short_names_are_the_callers_namespace() -> None:
    snap = snapshot(service("web", port=80), service("web", namespace="other", port=80))
    assert clusters(decided(snap, "web")) == ["web"]
    other = decided(snap, "web", table="outbound|other")
    assert clusters(other) == ["web.other.svc.cluster.local"]
    assert clusters(decided(snap, "web.other")) == ["web.other.svc.cluster.local"]


def test_the_first_row_that_holds_decides() -> None:
    snap = snapshot(*SHOP, rule("r", "products", to("products-fox", match=[cookie("fox")]), to("products")))
    assert clusters(decided(snap, "products:7000", {"cookie": "a=b; user=fox"})) == ["products-fox"]
    assert clusters(decided(snap, "products:7000", {"cookie": "superuser=fox"})) == ["products"]
    assert clusters(decided(snap, "products:7000")) == ["products"]


def test_blocks_are_or_and_conditions_within_one_are_and() -> None:
    match = [{"headers": {"a": {"exact": "1"}, "b": {"exact": "2"}}}, {"uri": {"prefix": "/x"}}]
    snap = snapshot(*SHOP, rule("r", "products", to("products-fox", match=match), to("products")))
    for headers, path, expected in (
        ({"a": "1", "b": "2"}, "/", "products-fox"),
        ({"a": "1"}, "/", "products"),
        ({}, "/xyz", "products-fox"),
    ):
        assert clusters(decided(snap, "products:7000", headers, path)) == [expected]


def test_no_row_that_holds_is_no_route() -> None:
    snap = snapshot(*SHOP, rule("r", "products", to("products", match=[cookie("fox")])))
    assert decided(snap, "products:7000") is None


def test_source_labels_ask_for_the_caller() -> None:
    match = [{"sourceLabels": {"app": "discount", "version": "v2"}}]
    snap = snapshot(*SHOP, rule("r", "products", to("products-fox", match=match), to("products")))
    caller = {"app": "discount", "version": "v2", "x": "y"}
    assert clusters(decided(snap, "products:7000", labels=caller)) == ["products-fox"]
    assert clusters(decided(snap, "products:7000", labels={"app": "discount"})) == ["products"]


def test_a_missing_service_answers_503_and_names_it() -> None:
    row = decided(snapshot(*SHOP, rule("r", "products", to("nobody"))), "products:7000")
    assert row is not None
    assert row.action == Respond(503, "no Service is named nobody")


def test_of_two_rules_for_one_host_the_older_counts_alone() -> None:
    fox = rule("a", "products", to("products-fox", match=[cookie("fox")]))
    snap = snapshot(*SHOP, fox, rule("b", "products", to("products")))
    assert clusters(decided(snap, "products:7000", {"cookie": "user=fox"})) == ["products-fox"]
    assert decided(snap, "products:7000") is None


@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        ({"attempts": 0}, None),
        ({"attempts": 3, "retryOn": "5xx,429"}, Retry(3, ("5xx", "retriable-status-codes"), (429,))),
        ({"attempts": 1, "perTryTimeout": "250ms", "retryOn": "reset"}, Retry(1, ("reset",), (), 0.25)),
    ],
)
def test_retries_are_as_the_rule_says(retries: Body, expected: Retry | None) -> None:
    row = decided(snapshot(*SHOP, rule("r", "products", to("products", retries=retries))), "products:7000")
    assert row is not None
    assert isinstance(row.action, Forward)
    assert row.action.retry == expected


def gateway(*hosts: str, name: str = "mall", port: int = 80) -> Body:
    server = {"port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": list(hosts)}
    return body("Gateway", name, servers=[server], selector={"istio": "ingressgateway"})


def test_a_gateway_serves_only_rules_bound_to_it_and_their_shared_hosts() -> None:
    snap = snapshot(
        *SHOP,
        gateway("*.example.com"),
        rule("in", ["shop.example.com", "shop.example.org"], to("mall"), gateways=["mall"]),
        rule("out", "inside.example.com", to("products")),
    )
    domains = [domain for host in snap.tables["gateway|80"].hosts for domain in host.domains]
    assert domains == ["shop.example.com"]
    assert snap.tables["gateway|80"].ignores_ports
    assert snap.listeners["gateway|80"].port == 8080


def test_a_delegate_decides_while_it_is_there() -> None:
    root = rule("root", "*", {"delegate": {"name": "canary"}}, to("mall"), gateways=["mall"])
    canary = body("VirtualService", "canary", http=[to("products", match=[{"uri": {"prefix": "/new"}}])])
    without = snapshot(*SHOP, gateway("*"), root)
    with_it = snapshot(*SHOP, gateway("*"), root, canary)
    assert clusters(decided(without, "any", path="/new", table="gateway|80")) == ["mall"]
    assert clusters(decided(with_it, "any", path="/new", table="gateway|80")) == ["products"]
    assert clusters(decided(with_it, "any", path="/old", table="gateway|80")) == ["mall"]


def test_endpoints_are_the_ready_pods_that_the_selector_and_subset_take() -> None:
    subsets = [{"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}]
    snap = snapshot(
        *SHOP,
        body("DestinationRule", "mall", host="mall", subsets=subsets),
        pod("m1", "127.9.0.1", app="mall", version="v1"),
        pod("m2", "127.9.0.2", app="mall", version="v2"),
        pod("m3", "127.9.0.3", app="mall", version="v2", ready=False),
        pod("p1", "127.9.0.4", app="products", version="v1"),
        pod("m4", "127.9.0.5", "other", app="mall", version="v1"),
    )

    def of(subset: str) -> list[str]:
        return [endpoint.address for endpoint in snap.endpoints[f"outbound|7000|{subset}|mall.mesh.svc.cluster.local"]]

    assert of("") == ["127.9.0.1", "127.9.0.2"]
    assert of("v1") == ["127.9.0.1"]
    assert of("v2") == ["127.9.0.2"]
    assert "sidecar|mesh/m3" in snap.listeners


def test_a_subsets_policy_goes_before_the_hosts() -> None:
    policy = {"loadBalancer": {"simple": "RANDOM"}, "connectionPool": {"http": {"http1MaxPendingRequests": 5}}}
    narrow = {"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": {"loadBalancer": {"simple": "ROUND_ROBIN"}}}
    snap = snapshot(*SHOP, body("DestinationRule", "mall", host="mall", trafficPolicy=policy, subsets=[narrow]))
    wide = snap.clusters["outbound|7000||mall.mesh.svc.cluster.local"]
    subset = snap.clusters["outbound|7000|v1|mall.mesh.svc.cluster.local"]
    assert (wide.balance.value, wide.pool.max_pending) == ("RANDOM", 5)
    assert (subset.balance.value, subset.pool.max_pending) == ("ROUND_ROBIN", 5)


USERS = ("jason", "fox", "ann")
SERVICES = ("products", "discount", "recommend")


@st.composite
def branches(draw: st.DrawFn) -> dict[str, set[str]]:
    """Which services each user's branch changes."""
    return {user: set(draw(st.lists(st.sampled_from(SERVICES), unique=True))) for user in USERS}


def objects_of(drawn: Mapping[str, set[str]]) -> list[Body]:
    made: list[Body] = []
    for name in SERVICES:
        made.append(service(name, app=name, branch="baseline"))
        made.append(pod(f"{name}-0", f"127.9.{len(made)}.1", app=name, branch="baseline"))
        changing = [user for user in USERS if name in drawn[user]]
        for user in changing:
            made.append(service(f"{name}-{user}", app=name, branch=user))
            made.append(pod(f"{name}-{user}-0", f"127.9.{len(made)}.1", app=name, branch=user))
        if changing:
            routes = [to(f"{name}-{user}", match=[cookie(user)], name=user) for user in changing]
            made.append(rule(name, name, *routes, to(name)))
    return made


COOKIES = st.lists(
    st.sampled_from(["user=jason", "user=fox", "user=x", "superuser=fox", "a=b", "user=jason2"]), max_size=3
)


@settings(deadline=None, max_examples=60)
@given(drawn=branches(), cookies=COOKIES, seed=st.integers(0, 1000))
def test_nobody_meets_a_pod_of_another_branch(drawn: dict[str, set[str]], cookies: Sequence[str], seed: int) -> None:
    """For any set of branches and any cookies: who is in no branch meets the baseline, others their own pods."""
    bodies = objects_of(drawn)
    snap = snapshot(*bodies)
    mine = [user for user in USERS if f"user={user}" in cookies]
    for name in SERVICES:
        row = decided(snap, f"{name}:7000", {"cookie": "; ".join(cookies)})
        assert row is not None
        assert isinstance(row.action, Forward)
        pods = {endpoint.pod for to_ in row.action.to for endpoint in snap.endpoints[to_.cluster]}
        allowed = {f"mesh/{name}-{user}-0" for user in mine if name in drawn[user]} or {f"mesh/{name}-0"}
        assert pods
        assert pods <= allowed
    world = [typed(raw, age) for age, raw in enumerate(bodies)]
    random.Random(seed).shuffle(world)
    again = compile(World.build(1, world), MeshSettings())
    assert (again.tables, again.clusters, again.endpoints) == (snap.tables, snap.clusters, snap.endpoints)


def test_every_cluster_that_a_row_names_is_there() -> None:
    everything: dict[str, set[str]] = {user: set(SERVICES) for user in USERS}
    snap = snapshot(*objects_of(everything), gateway("*"), rule("g", "*", to("products"), gateways=["mall"]))
    named: set[Any] = {
        item.cluster
        for table in snap.tables.values()
        for host in table.hosts
        for row in host.routes
        if isinstance(row.action, Forward)
        for item in row.action.to
    }
    assert named <= snap.clusters.keys()
    assert snap.clusters.keys() == snap.endpoints.keys()


def test_a_port_that_does_not_say_what_it_speaks_has_rules_for_http_and_a_cluster_for_the_rest() -> None:
    web = body("Service", "web", group="", type="NodePort", selector={"app": "web"}, ports=[{"port": 80}])
    web["spec"] |= {"clusterIP": "127.1.2.3"}
    web["spec"]["ports"][0] |= {"nodePort": 30080}
    snap = snapshot(web, pod("web-1", "127.1.0.1", app="web"))

    suffix = "web.mesh.svc.cluster.local|80"
    for kind in ("clusterip", "nodeport"):
        listener = snap.listeners[f"{kind}|{suffix}"]
        assert (listener.table, listener.cluster) == (f"{kind}|{suffix}", "outbound|80||web.mesh.svc.cluster.local")
    assert snap.clusters["outbound|80||web.mesh.svc.cluster.local"].detected


def test_a_load_balancer_is_served_at_the_ports_of_its_status_with_the_routes_of_a_node_port() -> None:
    web = body("Service", "web", group="", type="LoadBalancer", selector={"app": "web"}, ports=[{"port": 8099}])
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1", "ports": [{"port": 8099}]}]}}
    suffix = "web.mesh.svc.cluster.local|8099"
    listener = snapshot(web).listeners[f"loadbalancer|{suffix}"]
    assert (listener.port, listener.table) == (8099, f"nodeport|{suffix}")

    web["status"]["loadBalancer"]["ingress"][0]["ports"][0]["error"] = "meshmall.dev/PortInUse"
    assert f"loadbalancer|{suffix}" not in snapshot(web).listeners


def test_a_port_of_udp_takes_nothing_from_the_port_of_tcp_with_its_number() -> None:
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "http-dns", "port": 53}]
    dns = body("Service", "dns", group="", selector={"app": "dns"}, ports=ports)
    snap = snapshot(dns, pod("dns-1", "127.1.0.1", app="dns"))
    assert clusters(decided(snap, "dns:53")) == ["dns"]
    assert snap.endpoints["outbound|53||dns.mesh.svc.cluster.local"]


def test_a_gateway_sends_http_1_to_a_port_that_does_not_say_what_it_speaks() -> None:
    servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    snap = snapshot(
        service("web", port_name="web"),
        body("Gateway", "door", selector={"istio": "ingressgateway"}, servers=servers),
        rule("web", "*", to("web"), gateways=["door"]),
    )

    assert clusters(decided(snap, "any", table="gateway|80")) == ["web:@gateway"]
    assert not snap.clusters["outbound|7000|@gateway|web.mesh.svc.cluster.local"].detected


def test_a_service_of_type_external_name_is_another_name_of_the_service_that_it_stands_for() -> None:
    def alias(name: str, target: str) -> Body:
        return body("Service", name, group="", type="ExternalName", externalName=target, ports=[{"port": 7000}])

    snap = snapshot(
        *SHOP,
        rule("products", "products", to("products-fox", match=[cookie("fox")]), to("products")),
        alias("catalog", "products.mesh.svc.cluster.local."),
        alias("goods", "catalog.mesh.svc.cluster.local"),
        alias("round", "round.mesh.svc.cluster.local"),
    )
    for host in ("catalog:7000", "goods.mesh:7000"):
        assert clusters(decided(snap, host)) == ["products"]
        assert clusters(decided(snap, host, {"cookie": "user=fox"})) == ["products-fox"]
    assert not [name for name in snap.clusters if "catalog" in name or "goods" in name]


def test_an_external_name_outside_of_the_mesh_has_the_addresses_that_it_is_resolved_to() -> None:
    outside = body("Service", "db", group="", type="ExternalName", externalName="db.example.com", ports=[{"port": 80}])
    world = World.build(1, [typed(outside)])
    assert world.names == {"db.example.com"}
    snap = compile(replace(world, addresses={"db.example.com": ("192.0.2.7",)}), MeshSettings())
    (endpoint,) = snap.endpoints["outbound|80||db.mesh.svc.cluster.local"]
    assert (endpoint.address, endpoint.port) == ("192.0.2.7", 80)


def test_the_endpoints_of_a_service_without_a_selector_are_those_that_somebody_wrote() -> None:
    ports = [{"name": "http", "port": 80, "targetPort": 9376}, {"name": "admin", "port": 81}]
    ext = body("Service", "ext", group="", ports=ports)

    def piece(name: str, **labels: str) -> Body:
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": "mesh", "labels": {"kubernetes.io/service-name": "ext", **labels}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 9376}],
            "endpoints": [{"addresses": ["127.0.0.9"]}, {"addresses": ["127.0.0.8"], "conditions": {"ready": False}}],
        }

    snap = snapshot(ext, piece("ext-1"), piece("ext-2", **{"endpointslice.kubernetes.io/managed-by": "meshmall"}))
    places = [(item.address, item.port) for item in snap.endpoints["outbound|80||ext.mesh.svc.cluster.local"]]
    assert places == [("127.0.0.9", 9376)]
    assert snap.endpoints["outbound|81||ext.mesh.svc.cluster.local"] == ()
