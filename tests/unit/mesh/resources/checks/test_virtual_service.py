"""VirtualServices: what Istio's webhook refuses is refused here, by its path."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.support.objects import with_fields
from tests.support.smallest import RULE

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
TO = [{"destination": {"host": "reviews"}}]
H = "spec.http[0]"
M = f"{H}.match[0]"


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"spec.http": []}, "spec.http", "needs at least one route"),
        ({"spec.hosts": ["a", "A"]}, "spec.hosts[1]", 'duplicate "A"'),
        ({"spec.hosts": ["*"]}, "spec.hosts[0]", "matches every host"),
        ({"spec.hosts": [], "spec.gateways": ["shop"]}, "spec.gateways", "cannot be used with a delegate"),
        ({"spec.gateways": ["a/b/c"]}, "spec.gateways[0]", '"a/b/c" does not name a Gateway'),
        ({"spec.gateways": [""]}, "spec.gateways[0]", "does not name a Gateway"),
        ({f"{H}.redirect": {"uri": "/"}}, H, "it has route and redirect"),
        ({H: {}}, H, "it has none"),
        (
            {H: {"redirect": {"uri": "/"}, "fault": {"abort": {"httpStatus": 500}}}},
            f"{H}.fault",
            "cannot be used with redirect",
        ),
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
        ({f"{H}.match": [{"gateways": ["A"]}]}, f"{M}.gateways[0]", "does not name a Gateway"),
        ({f"{H}.route[0].destination.host": "*.a"}, f"{H}.route[0].destination.host", "not a wildcard"),
        ({f"{H}.route[0].destination.port": {"number": 0}}, f"{H}.route[0].destination.port.number", "not a port"),
        ({f"{H}.route[0].destination.subset": "v 1"}, f"{H}.route[0].destination.subset", "is not a name"),
        ({f"{H}.route": TO * 2}, f"{H}.route", "the weights add up to 0"),
        ({f"{H}.route[0].weight": 2**32}, f"{H}.route", "at most 4294967295"),
        ({f"{H}.route[0].weight": 1.5}, f"{H}.route[0].weight", "1.5 is not a whole number"),
        ({f"{H}.retries": {"attempts": -1}}, f"{H}.retries.attempts", "-1 is not in"),
        ({f"{H}.retries": {"perTryTimeout": "2s"}}, f"{H}.retries.perTryTimeout", "cannot be used with attempts 0"),
        ({f"{H}.retries": {"attempts": 1, "perTryTimeout": "2"}}, f"{H}.retries.perTryTimeout", "not a duration"),
        ({f"{H}.retries": {"attempts": 1, "retryOn": "5xx,conect-failure"}}, f"{H}.retries.retryOn", "connect-failure"),
        ({f"{H}.retries": {"attempts": 1, "retryOn": "999"}}, f"{H}.retries.retryOn", '"999" is not a condition'),
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
            "cannot be used with port",
        ),
        (
            {H: {"redirect": {"uri": "/", "prefixRewrite": "/new"}}},
            f"{H}.redirect.prefixRewrite",
            "cannot be used with uri",
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
            "cannot be used with uri",
        ),
        ({f"{H}.corsPolicy": {"allowOrigins": [{}]}}, f"{H}.corsPolicy.allowOrigins[0]", "needs exactly one"),
        ({f"{H}.corsPolicy": {"maxAge": "1"}}, f"{H}.corsPolicy.maxAge", "is not a duration"),
        ({f"{H}.mirror": {"host": "a"}, f"{H}.mirrors": [{"destination": {"host": "a"}}]}, f"{H}.mirrors", "mirror"),
        ({f"{H}.mirrorPercentage": {"value": -1}}, f"{H}.mirrorPercentage.value", "-1 is not in 0-100"),
        ({f"{H}.headers": {"request": {"set": {"a b": "c"}}}}, f"{H}.headers.request.set[a b]", "header's name"),
        ({f"{H}.headers": {"request": {"set": {":path": "c"}}}}, f"{H}.headers.request.set[:path]", "header's name"),
        ({f"{H}.headers": {"response": {"set": {"host": "c"}}}}, f"{H}.headers.response.set[host]", "in a response"),
        ({f"{H}.headers": {"request": {"add": {"a": "b\r\nc"}}}}, f"{H}.headers.request.add[a]", "line break"),
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
        "VirtualService mesh/reviews: spec.http[2]: is never reached: spec.http[1] matches every request before it"
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
