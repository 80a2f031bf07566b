"""VirtualServices, DestinationRules and Gateways: what Istio's webhook refuses is refused here, by its path."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.mesh.resources.conftest import with_fields

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
TO = [{"destination": {"host": "reviews"}}]
RULE: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "reviews"},
    "spec": {"hosts": ["reviews"], "http": [{"route": TO}]},
}
POLICY: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "reviews"},
    "spec": {"host": "reviews", "subsets": [{"name": "v1", "labels": {"version": "v1"}}]},
}
GATEWAY: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "shop"},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
}
H = "spec.http[0]"
M = f"{H}.match[0]"


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"spec.http": []}, "spec.http", "needs one route at least"),
        ({"spec.hosts": ["a", "A"]}, "spec.hosts[1]", '"A" stands twice'),
        ({"spec.hosts": ["*"]}, "spec.hosts[0]", "takes every host"),
        ({"spec.hosts": [], "spec.gateways": ["shop"]}, "spec.gateways", "does not go with a delegate"),
        ({"spec.gateways": ["a/b/c"]}, "spec.gateways[0]", '"a/b/c" names no Gateway'),
        ({"spec.gateways": [""]}, "spec.gateways[0]", "names no Gateway"),
        ({f"{H}.redirect": {"uri": "/"}}, H, "it has route and redirect"),
        ({H: {}}, H, "it has none"),
        ({H: {"redirect": {"uri": "/"}, "fault": {"abort": {"httpStatus": 500}}}}, f"{H}.fault", "go with redirect"),
        ({H: {"directResponse": {"status": 200}, "rewrite": {"uri": "/"}}}, f"{H}.rewrite", "with directResponse"),
        ({"spec.hosts": [], H: {"delegate": {"name": "x"}}}, f"{H}.delegate", "cannot delegate further"),
        ({H: {"delegate": {"name": ""}}}, f"{H}.delegate.name", "is missing"),
        ({f"{H}.match": [{"uri": {"regex": "(a"}}]}, f"{M}.uri.regex", '"(" is not closed'),
        ({f"{H}.match": [{"uri": {"regex": ""}}]}, f"{M}.uri.regex", "is empty"),
        ({f"{H}.match": [{"method": {"prefix": ""}}]}, f"{M}.method.prefix", "is empty"),
        ({f"{H}.match": [{"headers": {"a b": {}}}]}, f"{M}.headers[a b]", "is not a header's name"),
        (
            {f"{H}.match": [{"withoutHeaders": {"a": {"exact": "b", "prefix": "c"}}}]},
            f"{M}.withoutHeaders[a]",
            "exactly one",
        ),
        ({f"{H}.match": [{"queryParams": {"": {"exact": "b"}}}]}, f"{M}.queryParams", "empty name"),
        ({f"{H}.match": [{"port": 70000}]}, f"{M}.port", "is not a port"),
        ({f"{H}.match": [{"sourceLabels": {"a": "b c"}}]}, f"{M}.sourceLabels[a]", "is not a label's value"),
        ({f"{H}.match": [{"sourceNamespace": "A"}]}, f"{M}.sourceNamespace", "is not a name"),
        ({f"{H}.match": [{"gateways": ["A"]}]}, f"{M}.gateways[0]", "names no Gateway"),
        ({f"{H}.route[0].destination.host": "*.a"}, f"{H}.route[0].destination.host", "not a wildcard"),
        ({f"{H}.route[0].destination.port": {"number": 0}}, f"{H}.route[0].destination.port.number", "not a port"),
        ({f"{H}.route[0].destination.subset": "v 1"}, f"{H}.route[0].destination.subset", "is not a name"),
        ({f"{H}.route": TO * 2}, f"{H}.route", "the weights add up to 0"),
        ({f"{H}.route[0].weight": 2**32}, f"{H}.route", "4294967295 at the most"),
        ({f"{H}.route[0].weight": 1.5}, f"{H}.route[0].weight", "1.5 is not a whole number"),
        ({f"{H}.retries": {"attempts": -1}}, f"{H}.retries.attempts", "-1 is not in"),
        ({f"{H}.retries": {"perTryTimeout": "2s"}}, f"{H}.retries.perTryTimeout", "does not go with attempts 0"),
        ({f"{H}.retries": {"attempts": 1, "perTryTimeout": "2"}}, f"{H}.retries.perTryTimeout", "not a duration"),
        ({f"{H}.retries": {"attempts": 1, "retryOn": "5xx,conect-failure"}}, f"{H}.retries.retryOn", "connect-failure"),
        ({f"{H}.retries": {"attempts": 1, "retryOn": "999"}}, f"{H}.retries.retryOn", '"999" is no condition'),
        ({f"{H}.fault": {}}, f"{H}.fault", "needs delay or abort"),
        ({f"{H}.fault": {"delay": {}}}, f"{H}.fault.delay.fixedDelay", "is missing"),
        (
            {f"{H}.fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 101}}}},
            f"{H}.fault.delay.percentage.value",
            "101 is not in 0-100",
        ),
        ({f"{H}.fault": {"abort": {"grpcStatus": "14"}}}, f"{H}.fault.abort.grpcStatus", "UNAVAILABLE"),
        ({f"{H}.fault": {"abort": {"httpStatus": 99}}}, f"{H}.fault.abort.httpStatus", "99 is not a status"),
        ({H: {"redirect": {"redirectCode": 300}}}, f"{H}.redirect.redirectCode", "300 is none of 301"),
        (
            {H: {"redirect": {"port": 80, "derivePort": "FROM_REQUEST_PORT"}}},
            f"{H}.redirect.derivePort",
            "does not go with port",
        ),
        ({H: {"redirect": {"derivePort": "X"}}}, f"{H}.redirect.derivePort", '"X" is none of'),
        ({H: {"directResponse": {"status": 600}}}, f"{H}.directResponse.status", "600 is not a status"),
        ({H: {"directResponse": {"status": 200, "body": {}}}}, f"{H}.directResponse.body", "exactly one of string"),
        (
            {H: {"directResponse": {"status": 200, "body": {"bytes": "%"}}}},
            f"{H}.directResponse.body.bytes",
            "is not base64",
        ),
        ({f"{H}.rewrite": {}}, f"{H}.rewrite", "needs uri"),
        (
            {f"{H}.rewrite": {"uriRegexRewrite": {"match": "["}}},
            f"{H}.rewrite.uriRegexRewrite.match",
            "is not closed",
        ),
        (
            {f"{H}.rewrite": {"uri": "/", "uriRegexRewrite": {"match": "a"}}},
            f"{H}.rewrite.uriRegexRewrite",
            "does not go with uri",
        ),
        ({f"{H}.corsPolicy": {"allowOrigins": [{}]}}, f"{H}.corsPolicy.allowOrigins[0]", "needs exactly one"),
        ({f"{H}.corsPolicy": {"maxAge": "1"}}, f"{H}.corsPolicy.maxAge", "is not a duration"),
        ({f"{H}.mirror": {"host": "a"}, f"{H}.mirrors": [{"destination": {"host": "a"}}]}, f"{H}.mirrors", "mirror"),
        ({f"{H}.mirrorPercentage": {"value": -1}}, f"{H}.mirrorPercentage.value", "-1 is not in 0-100"),
        ({f"{H}.headers": {"request": {"set": {"a b": "c"}}}}, f"{H}.headers.request.set[a b]", "header's name"),
        ({f"{H}.headers": {"request": {"set": {":path": "c"}}}}, f"{H}.headers.request.set[:path]", "header's name"),
        ({f"{H}.headers": {"response": {"set": {"host": "c"}}}}, f"{H}.headers.response.set[host]", "in an answer"),
        ({f"{H}.headers": {"request": {"add": {"a": "b\r\nc"}}}}, f"{H}.headers.request.add[a]", "line's end"),
        ({f"{H}.headers": {"request": {"remove": ["Host"]}}}, f"{H}.headers.request.remove[0]", "can be removed"),
        ({"spec.tcp": [{}]}, "spec.tcp[0].route", "is empty"),
    ],
)
def test_a_virtual_service_is_refused_for(errors_of: Errors, fields: dict[str, Any], path: str, says: str) -> None:
    found = errors_of(RULE, fields)
    assert says in found.get(path, ""), found


@pytest.mark.parametrize(
    "fields",
    [
        {"spec.hosts": ["*"], "spec.gateways": ["shop"]},
        {"spec.hosts": ["*.example.com", "reviews.mesh.svc.cluster.local"], "spec.gateways": ["mesh", "other/shop.x"]},
        {"spec.hosts": []},
        {H: {"delegate": {"name": "more", "namespace": "other"}}},
        {f"{H}.match": [{"uri": {"prefix": ""}, "headers": {"x-user": {}}, "queryParams": {"q": {}}}]},
        {f"{H}.match": [{"headers": {":authority": {"exact": "a"}, "cookie": {"regex": "^(.*;\\s*)?user=j(;.*)?$"}}}]},
        {f"{H}.route": [{**TO[0], "weight": 1}, {**TO[0], "weight": 0}]},
        {f"{H}.retries": {"attempts": 0}},
        {f"{H}.headers": {"request": {"set": {":authority": "a"}, "remove": ["x-a"]}}},
        {H: {"redirect": {"uri": "/", "derivePort": "FROM_PROTOCOL_DEFAULT"}}},
        {H: {"directResponse": {"status": 503, "body": {"string": "closed"}}}},
    ],
)
def test_a_virtual_service_is_taken_with(errors_of: Errors, fields: dict[str, Any]) -> None:
    assert errors_of(RULE, fields) == {}


def test_a_route_behind_one_that_takes_all_is_told() -> None:
    routes = [{"match": [{"uri": {"prefix": "/a"}}], "route": TO}, {"route": TO}, {"route": TO}]
    assert validate(with_fields(RULE, {"spec.http": routes}), "mesh").warnings == [
        "VirtualService mesh/reviews: spec.http[2]: is never reached: spec.http[1] takes every request before it"
    ]
    canary = [{"delegate": {"name": "canary"}}, {"route": TO}]
    assert validate(with_fields(RULE, {"spec.http": canary}), "mesh").warnings == []


def test_fields_of_istio_without_effect_are_told() -> None:
    routes = [{"route": TO, "retries": {"attempts": 1, "retryRemoteLocalities": True}}]
    tcp = [{"match": [{"sourceSubnet": "10.0.0.0/8"}], "route": TO}]
    [warning] = validate(with_fields(RULE, {"spec.http": routes, "spec.tcp": tcp}), "mesh").warnings
    assert warning == (
        "VirtualService mesh/reviews: no effect on one machine: "
        "spec.http[0].retries.retryRemoteLocalities, spec.tcp[0].match[0].sourceSubnet"
    )


P = "spec.trafficPolicy"


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"spec.host": "a b"}, "spec.host", "is not a host"),
        ({"spec.subsets": [{"name": "a"}, {"name": "a"}]}, "spec.subsets[1].name", '"a" stands twice'),
        ({"spec.subsets[0].name": ""}, "spec.subsets[0].name", "is missing"),
        ({"spec.subsets[0].labels.version": "a b"}, "spec.subsets[0].labels[version]", "label's value"),
        ({f"{P}.loadBalancer.simple": "ROUNDROBIN"}, f"{P}.loadBalancer.simple", 'did you mean "ROUND_ROBIN"?'),
        (
            {f"{P}.loadBalancer": {"simple": "RANDOM", "consistentHash": {"httpHeaderName": "a"}}},
            f"{P}.loadBalancer.consistentHash",
            "does not go with simple",
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
        ({f"{P}.outlierDetection.maxEjectionPercent": 101}, f"{P}.outlierDetection.maxEjectionPercent", "101"),
        ({f"{P}.outlierDetection.consecutive5xxErrors": -1}, f"{P}.outlierDetection.consecutive5xxErrors", "-1"),
        ({f"{P}.tls.mode": "MUTUAL_TLS"}, f"{P}.tls.mode", "is no mode"),
        (
            {f"{P}.portLevelSettings": [{"port": {"number": 80}}, {"port": {"number": 80}}]},
            f"{P}.portLevelSettings[1].port.number",
            "80 stands twice",
        ),
        (
            {"spec.subsets[0].trafficPolicy.portLevelSettings": [{"port": {}, "loadBalancer": {"simple": "X"}}]},
            "spec.subsets[0].trafficPolicy.portLevelSettings[0].loadBalancer.simple",
            "is no load balancer",
        ),
    ],
)
def test_a_destination_rule_is_refused_for(errors_of: Errors, fields: dict[str, Any], path: str, says: str) -> None:
    found = errors_of(POLICY, fields)
    assert says in found.get(path, ""), found


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"spec.servers": []}, "spec.servers", "is empty"),
        ({"spec.servers[0].port.number": 0}, "spec.servers[0].port.number", "is not a port"),
        ({"spec.servers[0].port.name": ""}, "spec.servers[0].port.name", "is missing"),
        ({"spec.servers[0].port.protocol": "HTPP"}, "spec.servers[0].port.protocol", "is no protocol"),
        ({"spec.servers[0].port.protocol": "MONGO"}, "spec.servers[0].port.protocol", "is not served yet"),
        ({"spec.servers[0].port.protocol": "HTTPS"}, "spec.servers[0].tls", "is missing"),
        ({"spec.servers[0].tls": {"mode": "SIMPLE"}}, "spec.servers[0].tls", "does not go with protocol HTTP"),
        ({"spec.servers[0].hosts": []}, "spec.servers[0].hosts", "is empty"),
        ({"spec.servers[0].hosts": ["A B/*"]}, "spec.servers[0].hosts[0]", "is not a namespace"),
        ({"spec.servers": GATEWAY["spec"]["servers"] * 2}, "spec.servers[1].port.name", "stands twice"),
    ],
)
def test_a_gateway_is_refused_for(errors_of: Errors, fields: dict[str, Any], path: str, says: str) -> None:
    found = errors_of(GATEWAY, fields)
    assert says in found.get(path, ""), found


def test_a_gateway_may_name_namespaces(errors_of: Errors) -> None:
    assert errors_of(GATEWAY, {"spec.servers[0].hosts": ["./*", "*/a.example.com", "mesh/*.example.com"]}) == {}


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
@pytest.mark.parametrize("body", [RULE, POLICY, GATEWAY], ids=lambda body: body["kind"])
def test_each_version_of_istios_kinds_is_taken_and_kept(body: dict[str, Any], version: str) -> None:
    found = validate(with_fields(body, {"apiVersion": f"networking.istio.io/{version}"}), "mesh")
    assert found.body["apiVersion"] == f"networking.istio.io/{version}"
    assert type(found.typed).__name__ == body["kind"]
    assert found.ref.group == "networking.istio.io"
