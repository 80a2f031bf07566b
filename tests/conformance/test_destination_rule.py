"""DestinationRule's policies, seen from a caller: who answers, and what a real Envoy was told."""

import asyncio
from typing import Any

import pytest
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

from mesh.envoy.encode.cluster import HTTP_OPTIONS, encode_cluster
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.conformance.reference import Request
from tests.conformance.rig import DEADLINE, Observed, Rig, istio

Json = dict[str, Any]


def asked(query: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Request:
    return Request("mesh", "shop", 7000, "GET", "/", query, headers, "mesh", {"app": "caller"}, "shop:7000")


def with_policy(rig: Rig, policy: Json, **more: Any) -> list[Json]:
    """The rig's objects with another DestinationRule for `shop`."""
    kept = [item for item in rig.around() if item["kind"] != "DestinationRule"]
    return [*kept, istio("DestinationRule", "shop", {"host": "shop", "trafficPolicy": policy, **more})]


async def answers(rig: Rig, objects: list[Json], *requests: Request) -> list[Observed]:
    await rig.apply(objects)
    try:
        return [(await rig.ask(request, "caller"))[1] for request in requests]
    finally:
        await rig.hang_up()


WORDS = tuple(f"user-{number}" for number in range(24))


@pytest.mark.parametrize(
    ("hash_on", "requests"),
    [
        ({"httpHeaderName": "X-User"}, [asked(headers=(("x-user", word),)) for word in WORDS]),
        ({"httpQueryParameterName": "user"}, [asked(f"user={word}") for word in WORDS]),
        (
            {"httpCookie": {"name": "user", "ttl": "0s"}, "maglev": {"tableSize": 65537}},
            [asked(headers=(("cookie", f"user={word}"),)) for word in WORDS],
        ),
    ],
)
def test_the_same_value_meets_the_same_pod(
    rig: Rig, runner: asyncio.Runner, hash_on: Json, requests: list[Request]
) -> None:
    objects = with_policy(rig, {"loadBalancer": {"consistentHash": hash_on}})
    first = runner.run(answers(rig, objects, *requests))
    again = runner.run(answers(rig, objects, *requests))
    assert [item.pod for item in first] == [item.pod for item in again]
    assert {item.pod for item in first} == {"shop-v1", "shop-v2"}


def test_the_caller_s_address_can_be_what_decides(rig: Rig, runner: asyncio.Runner) -> None:
    objects = with_policy(rig, {"loadBalancer": {"consistentHash": {"useSourceIp": True}}})
    found = runner.run(answers(rig, objects, *[asked()] * 20))
    assert len({item.pod for item in found}) == 1


def test_a_cookie_with_a_lifetime_is_made_where_there_is_none(rig: Rig, runner: asyncio.Runner) -> None:
    attributes = [{"name": "SameSite", "value": "Strict"}, {"name": "Secure"}]
    cookie = {"name": "where", "ttl": "60s", "path": "/", "attributes": attributes}
    objects = with_policy(rig, {"loadBalancer": {"consistentHash": {"httpCookie": cookie}}})
    (found,) = runner.run(answers(rig, objects, asked()))
    made = found.headers["set-cookie"]
    assert made.startswith('where="')
    assert "Max-Age=60" in made
    assert "SameSite=Strict" in made
    assert "Secure" in made
    value = made.partition(";")[0]
    again = runner.run(answers(rig, objects, *[asked(headers=(("cookie", value),))] * 8))
    assert {item.pod for item in again} == {found.pod}


@pytest.mark.parametrize("where", ["ringHash", "itself"])
def test_the_size_of_a_ring_is_told_to_envoy(rig: Rig, runner: asyncio.Runner, where: str) -> None:
    size: Json = {"minimumRingSize": 4096}
    hash_on = {"httpHeaderName": "x", **({"ringHash": size} if where == "ringHash" else size)}
    (found,) = runner.run(answers(rig, with_policy(rig, {"loadBalancer": {"consistentHash": hash_on}}), asked()))
    assert found.status == 200
    cluster = encode_cluster(rig.snapshot.clusters["outbound|7000||shop.mesh.svc.cluster.local"])
    assert cluster.ring_hash_lb_config.minimum_ring_size.value == 4096


def test_all_other_policies_are_taken_by_envoy(rig: Rig, runner: asyncio.Runner) -> None:
    pool = {
        "tcp": {
            "maxConnections": 10,
            "connectTimeout": "2s",
            "maxConnectionDuration": "1h",
            "idleTimeout": "10m",
            "tcpKeepalive": {"probes": 3, "time": "60s", "interval": "10s"},
        },
        "http": {
            "http1MaxPendingRequests": 5,
            "http2MaxRequests": 50,
            "maxRequestsPerConnection": 9,
            "maxRetries": 3,
            "idleTimeout": "3s",
            "maxConcurrentStreams": 7,
            "h2UpgradePolicy": "DEFAULT",
        },
    }
    outlier = {
        "consecutive5xxErrors": 3,
        "consecutiveGatewayErrors": 2,
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": 4,
        "interval": "5s",
        "baseEjectionTime": "10s",
        "maxEjectionPercent": 50,
        "minHealthPercent": 10,
    }
    warm = {"simple": "ROUND_ROBIN", "warmup": {"duration": "30s", "minimumPercent": 20, "aggression": 1.5}}
    budget = {"percent": 12.5, "minRetryConcurrency": 2}
    policy = {"connectionPool": pool, "outlierDetection": outlier, "loadBalancer": warm, "retryBudget": budget}
    objects = with_policy(rig, policy)
    (found,) = runner.run(answers(rig, objects, asked()))
    assert found.status == 200
    cluster = rig.snapshot.clusters["outbound|7000||shop.mesh.svc.cluster.local"]
    assert cluster.warmup is not None
    assert (cluster.warmup.duration, cluster.warmup.aggression, cluster.warmup.minimum_percent) == (30, 1.5, 20)
    (threshold,) = encode_cluster(cluster).circuit_breakers.thresholds
    told = threshold.retry_budget
    assert (told.budget_percent.value, told.min_retry_concurrency.value) == (12.5, 2)
    assert cluster.pool.keepalive is not None
    assert (cluster.pool.keepalive.probes, cluster.pool.max_concurrent_streams) == (3, 7)
    assert not validate(objects[-1]).warnings


async def all_pods_left_out(rig: Rig, objects: list[Json]) -> None:
    """Returns once no pod is left for a request."""
    await rig.apply(objects)
    try:
        async with asyncio.timeout(DEADLINE):
            while (await rig.ask(asked(), "caller"))[1].status != 503:  # noqa: ASYNC110 - Envoy is asked
                await asyncio.sleep(0.01)
    finally:
        await rig.hang_up()


def test_a_pod_is_left_out_for_the_statuses_that_the_rule_names(rig: Rig, runner: asyncio.Runner) -> None:
    """The rig's pods answer 200: they are left out where that is an error, and stay where only others are."""
    base = {"consecutive5xxErrors": 1, "maxEjectionPercent": 100, "baseEjectionTime": "1h", "interval": "1h"}
    spared = with_policy(rig, {"outlierDetection": {**base, "outlierDetectionHttpErrorCodes": [404, 418]}})
    assert {found.status for found in runner.run(answers(rig, spared, *[asked()] * 8))} == {200}
    named = with_policy(rig, {"outlierDetection": {**base, "outlierDetectionHttpErrorCodes": [404, 200]}})
    runner.run(all_pods_left_out(rig, named))
    assert not validate(named[-1]).warnings


def test_connections_of_http2_are_kept_alive(rig: Rig, runner: asyncio.Runner) -> None:
    http = {"useClientProtocol": True, "http2KeepAlive": {"interval": "30s", "timeout": "5s"}}
    objects = with_policy(rig, {"connectionPool": {"http": http}})
    (found,) = runner.run(answers(rig, objects, asked()))
    assert found.status == 200
    encoded = encode_cluster(rig.snapshot.clusters["outbound|7000||shop.mesh.svc.cluster.local"])
    options = http_protocol_options_pb2.HttpProtocolOptions()
    encoded.typed_extension_protocol_options[HTTP_OPTIONS].Unpack(options)
    pings = options.use_downstream_protocol_config.http2_protocol_options.connection_keepalive
    assert (pings.interval.seconds, pings.timeout.seconds) == (30, 5)
    assert not validate(objects[-1]).warnings


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"loadBalancer": {"zoneAwareLbSetting": {"enabled": True}}}, "zoneAwareLbSetting"),
        ({"retryBudget": {"budgetInterval": "10s"}}, "budgetInterval"),
    ],
)
def test_what_has_no_effect_is_stored_with_a_warning(rig: Rig, policy: Json, field: str) -> None:
    (rule,) = with_policy(rig, policy)[-1:]
    (warning,) = validate(rule).warnings
    assert field in str(warning)


def test_the_protocol_of_the_client_can_be_kept(rig: Rig, runner: asyncio.Runner) -> None:
    for http, field in (
        ({"useClientProtocol": True}, "use_downstream_protocol_config"),
        ({"h2UpgradePolicy": "DO_NOT_UPGRADE"}, "explicit_http_config"),
    ):
        (found,) = runner.run(answers(rig, with_policy(rig, {"connectionPool": {"http": http}}), asked()))
        assert found.status == 200
        encoded = encode_cluster(rig.snapshot.clusters["outbound|7000||shop.mesh.svc.cluster.local"])
        options = http_protocol_options_pb2.HttpProtocolOptions()
        encoded.typed_extension_protocol_options[HTTP_OPTIONS].Unpack(options)
        assert options.WhichOneof("upstream_protocol_options") == field


def test_the_older_way_to_say_a_warmup_means_the_same(rig: Rig, runner: asyncio.Runner) -> None:
    found = []
    for balancer in ({"warmupDurationSecs": "20s"}, {"warmup": {"duration": "20s"}}):
        policy = {"loadBalancer": {"simple": "LEAST_REQUEST", **balancer}}
        assert runner.run(answers(rig, with_policy(rig, policy), asked()))[0].status == 200
        found.append(rig.snapshot.clusters["outbound|7000||shop.mesh.svc.cluster.local"].warmup)
    assert found[0] == found[1] is not None


def test_a_subset_s_policy_wins_and_a_port_s_replaces_all_of_it(rig: Rig, runner: asyncio.Runner) -> None:
    base = {
        "loadBalancer": {"simple": "RANDOM"},
        "connectionPool": {"tcp": {"maxConnections": 5}},
        "portLevelSettings": [{"port": {"number": 9}, "loadBalancer": {"simple": "ROUND_ROBIN"}}],
    }
    port = {"portLevelSettings": [{"port": {"number": 7000}, "outlierDetection": {"consecutive5xxErrors": 2}}]}
    subsets = [
        {"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": {"loadBalancer": {"simple": "ROUND_ROBIN"}}},
        {"name": "v2", "labels": {"version": "v2"}, "trafficPolicy": port},
    ]
    runner.run(answers(rig, with_policy(rig, base, subsets=subsets)))
    found = {
        name: rig.snapshot.clusters[f"outbound|7000|{name}|shop.mesh.svc.cluster.local"] for name in ("", "v1", "v2")
    }
    assert [item.balance.value for item in found.values()] == ["RANDOM", "ROUND_ROBIN", "LEAST_REQUEST"]
    assert [item.pool.max_connections for item in found.values()] == [5, 5, None]
    assert [item.outlier is not None for item in found.values()] == [False, False, True]


@pytest.mark.parametrize(
    ("balancer", "path", "message"),
    [
        ({"consistentHash": {}}, "consistentHash", "exactly one of"),
        ({"consistentHash": {"useSourceIp": True, "httpHeaderName": "x"}}, "consistentHash", "useSourceIp"),
        ({"consistentHash": {"httpCookie": {"name": "a b"}}}, "consistentHash.httpCookie.name", "cookie"),
        ({"consistentHash": {"httpCookie": {"name": "a", "ttl": "1"}}}, "consistentHash.httpCookie.ttl", "duration"),
        ({"consistentHash": {"useSourceIp": True, "maglev": {"tableSize": 8}}}, "maglev.tableSize", "prime"),
        ({"warmup": {"duration": "0s"}}, "warmup.duration", "below"),
        ({"warmup": {"duration": "1s", "aggression": 0.5}}, "warmup.aggression", "below 1"),
    ],
)
def test_a_balancer_that_cannot_be_is_refused_at_its_field(balancer: Json, path: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        validate(istio("DestinationRule", "r", {"host": "shop", "trafficPolicy": {"loadBalancer": balancer}}))
    assert path in str(caught.value)


def picking(version: str, name: str, namespace: str = "mesh", **said: Any) -> Json:
    """A DestinationRule for `shop` that says what its subset `pick` is."""
    subset = {"name": "pick", "labels": {"version": version}}
    body = istio("DestinationRule", name, {"host": "shop.mesh.svc.cluster.local", "subsets": [subset], **said})
    return {**body, "metadata": {"name": name, "namespace": namespace}}


async def picked(rig: Rig, rules: list[Json], *callers: str) -> list[Observed]:
    """What callers get of a VirtualService that sends all requests to the subset `pick` of `shop`."""
    destination = {"host": "shop.mesh.svc.cluster.local", "subset": "pick"}
    route = istio("VirtualService", "picked", {"hosts": ["shop"], "http": [{"route": [{"destination": destination}]}]})
    kept = [item for item in rig.around() if item["kind"] != "DestinationRule"]
    await rig.apply([*kept, *rules, route])
    found = []
    try:
        for caller in callers:
            namespace = "other" if caller == "stranger" else "mesh"
            host = "shop.mesh.svc.cluster.local:7000"
            request = Request("mesh", host, 7000, "GET", "/", "", (), namespace, authority=host)
            found.append((await rig.ask(request, caller))[1])
    finally:
        await rig.hang_up()
    return found


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([picking("v1", "a")], ["shop-v1", "shop-v1"]),
        ([picking("v1", "a", exportTo=["*"])], ["shop-v1", "shop-v1"]),
        ([picking("v1", "a", exportTo=["."])], ["shop-v1", ""]),
        ([picking("v1", "a", exportTo=["other"])], ["", "shop-v1"]),
        ([picking("v1", "a", exportTo=[".", "other"])], ["shop-v1", "shop-v1"]),
        (
            [picking("v1", "a", exportTo=["."]), picking("v2", "b", "other", exportTo=["."])],
            ["shop-v1", "shop-v2"],
        ),
        # Only rules that are exported alike are put together; of others the youngest counts.
        ([picking("v1", "a", exportTo=["."]), picking("v2", "b")], ["shop-v2", "shop-v2"]),
        ([picking("v1", "a"), picking("v2", "b")], ["shop-v1", "shop-v1"]),
        # The caller's namespace comes first, then the Service's, then the root namespace; no other has a say.
        ([picking("v1", "a"), picking("v2", "b", "other")], ["shop-v1", "shop-v2"]),
        ([picking("v1", "a", "third")], ["", ""]),
        ([picking("v1", "a", "istio-system")], ["shop-v1", "shop-v1"]),
        ([picking("v1", "a", "istio-system"), picking("v2", "b")], ["shop-v2", "shop-v2"]),
    ],
)
def test_a_rule_is_seen_by_the_namespaces_that_it_is_exported_to(
    rig: Rig, runner: asyncio.Runner, rules: list[Json], expected: list[str]
) -> None:
    found = runner.run(picked(rig, rules, "caller", "stranger"))
    assert [item.pod for item in found] == expected
    assert [item.status for item in found] == [200 if pod else 503 for pod in expected]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (
            [picking("v1", "a"), picking("v2", "b", workloadSelector={"matchLabels": {"app": "caller"}})],
            ["shop-v2", "shop-v1", "shop-v1"],
        ),
        ([picking("v2", "b", workloadSelector={"matchLabels": {"app": "caller"}})], ["shop-v2", "", ""]),
        (
            [picking("v1", "a"), picking("v2", "b", "other", workloadSelector={"matchLabels": {"app": "stranger"}})],
            ["shop-v1", "shop-v1", "shop-v2"],
        ),
        (
            [picking("v1", "a"), picking("v2", "b", "other", workloadSelector={"matchLabels": {"app": "caller"}})],
            # The caller's namespace has a rule, which is not for this caller: it has none.
            ["shop-v1", "shop-v1", ""],
        ),
        # A rule with a selector is its namespace's alone.
        ([picking("v1", "a", workloadSelector={})], ["shop-v1", "shop-v1", ""]),
    ],
)
def test_a_rule_for_some_workloads_is_theirs_alone(
    rig: Rig, runner: asyncio.Runner, rules: list[Json], expected: list[str]
) -> None:
    assert [item.pod for item in runner.run(picked(rig, rules, "caller", "cart", "stranger"))] == expected
