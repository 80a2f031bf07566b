"""DestinationRules: what Istio's webhook refuses is refused here, by its path."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.support.smallest import POLICY

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]


P = "spec.trafficPolicy"


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"spec.host": "a b"}, "spec.host", "is not a host"),
        ({"spec.subsets": [{"name": "a"}, {"name": "a"}]}, "spec.subsets[1].name", 'duplicate "a"'),
        ({"spec.subsets[0].name": ""}, "spec.subsets[0].name", "is missing"),
        ({"spec.subsets[0].labels.version": "a b"}, "spec.subsets[0].labels[version]", "label's value"),
        ({f"{P}.loadBalancer.simple": "ROUNDROBIN"}, f"{P}.loadBalancer.simple", 'did you mean "ROUND_ROBIN"?'),
        (
            {f"{P}.loadBalancer": {"simple": "RANDOM", "consistentHash": {"httpHeaderName": "a"}}},
            f"{P}.loadBalancer.consistentHash",
            "cannot be used with simple",
        ),
        ({f"{P}.connectionPool.tcp.connectTimeout": "0s"}, f"{P}.connectionPool.tcp.connectTimeout", "below 1ms"),
        ({f"{P}.connectionPool.tcp.maxConnections": -1}, f"{P}.connectionPool.tcp.maxConnections", "-1 is not in"),
        ({f"{P}.connectionPool.http.maxRetries": 2**31}, f"{P}.connectionPool.http.maxRetries", "is not in"),
        (
            {f"{P}.connectionPool.http.h2UpgradePolicy": "UPGRAD"},
            f"{P}.connectionPool.http.h2UpgradePolicy",
            'did you mean "UPGRADE"?',
        ),
        ({f"{P}.outlierDetection.interval": "x"}, f"{P}.outlierDetection.interval", "is not a duration"),
        (
            {f"{P}.outlierDetection.outlierDetectionHttpErrorCodes": [500, 600]},
            f"{P}.outlierDetection.outlierDetectionHttpErrorCodes[1]",
            "600 is not in 100-599",
        ),
        (
            {f"{P}.connectionPool.http.http2KeepAlive": {"interval": "10s"}},
            f"{P}.connectionPool.http.http2KeepAlive.timeout",
            "is missing",
        ),
        (
            {f"{P}.connectionPool.http.http2KeepAlive": {"interval": "0s", "timeout": "1s"}},
            f"{P}.connectionPool.http.http2KeepAlive.interval",
            "below 1ms",
        ),
        (
            {f"{P}.loadBalancer": {"localityLbSetting": {}, "zoneAwareLbSetting": {"enabled": True}}},
            f"{P}.loadBalancer.zoneAwareLbSetting",
            "cannot be used with localityLbSetting",
        ),
        ({f"{P}.retryBudget": {"budgetInterval": "x"}}, f"{P}.retryBudget.budgetInterval", "is not a duration"),
        ({f"{P}.outlierDetection.maxEjectionPercent": 101}, f"{P}.outlierDetection.maxEjectionPercent", "101"),
        ({f"{P}.outlierDetection.consecutive5xxErrors": -1}, f"{P}.outlierDetection.consecutive5xxErrors", "-1"),
        ({f"{P}.tls.mode": "MUTUAL_TLS"}, f"{P}.tls.mode", "is not a mode"),
        (
            {f"{P}.portLevelSettings": [{"port": {"number": 80}}, {"port": {"number": 80}}]},
            f"{P}.portLevelSettings[1].port.number",
            "duplicate 80",
        ),
        (
            {"spec.subsets[0].trafficPolicy.portLevelSettings": [{"port": {}, "loadBalancer": {"simple": "X"}}]},
            "spec.subsets[0].trafficPolicy.portLevelSettings[0].loadBalancer.simple",
            "is not a load balancer",
        ),
    ],
)
def test_a_destination_rule_is_refused_for(errors_of: Errors, fields: dict[str, Any], path: str, says: str) -> None:
    found = errors_of(POLICY, fields)
    assert says in found.get(path, ""), found
