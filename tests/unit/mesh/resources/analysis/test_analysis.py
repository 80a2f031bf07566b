"""What the analysis says of rules, by the name of the check."""

from typing import Any

import pytest

from mesh.resources.analysis.analysis import analyze
from mesh.resources.validation.manifest import validate
from mesh.resources.values.meta import Resource, ref_of
from tests.support.certificates import secret
from tests.support.objects import rule, service, to

SHOP = [service("products"), service("mall")]
TWO_PORTS = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "both", "namespace": "mesh"},
    "spec": {"selector": {"a": "b"}, "ports": [{"name": "http", "port": 80}, {"name": "http-admin", "port": 81}]},
}


def gateway(name: str, protocol: str = "HTTP", number: int = 80) -> dict[str, Any]:
    server = {"port": {"number": number, "name": "a", "protocol": protocol}, "hosts": ["*"]}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {"servers": [server]},
    }


def secure() -> dict[str, Any]:
    held = gateway("secure", "HTTPS", 443)
    held["spec"]["servers"][0]["tls"] = {"mode": "SIMPLE", "credentialName": "tls"}
    return held


def typed(*bodies: dict[str, Any]) -> list[Resource]:
    return [validate(body, "mesh").typed for body in bodies]


def said(*bodies: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item.severity, item.code, item.error.path) for item in analyze(typed(*SHOP, *bodies))]


def test_good_rules_have_no_message() -> None:
    assert said(gateway("door"), rule("r", "x.example.com", to("mall"), gateways=["door"])) == []


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        (
            [rule("r", "mall", to("nobody"))],
            ("error", "ReferencedResourceNotFound", "spec.http[0].route[0].destination.host"),
        ),
        (
            [rule("r", "mall", to("mall:v9"))],
            ("error", "ReferencedResourceNotFound", "spec.http[0].route[0].destination.subset"),
        ),
        (
            [rule("r", "x.example.com", to("mall"), gateways=["nix"])],
            ("error", "ReferencedResourceNotFound", "spec.gateways[0]"),
        ),
        (
            [rule("r", "mall", {"route": [{"destination": {"host": "mall", "port": {"number": 1}}}]})],
            ("error", "PortNotFound", "spec.http[0].route[0].destination.port.number"),
        ),
        (
            [TWO_PORTS, gateway("door"), rule("r", "x.example.com", to("both"), gateways=["door"])],
            ("warning", "VirtualServiceDestinationPortSelectorRequired", "spec.http[0].route[0].destination.port"),
        ),
        (
            [secure()],
            ("error", "ReferencedResourceNotFound", "spec.servers[0].tls.credentialName"),
        ),
        (
            [rule("one", "mall", to("mall")), rule("two", "mall", to("mall"))],
            ("warning", "ConflictingMeshGatewayVirtualServiceHosts", "spec.hosts[0]"),
        ),
    ],
)
def test_a_mistake_is_named(bodies: list[dict[str, Any]], expected: tuple[str, str, str]) -> None:
    assert said(*bodies) == [expected]


def test_a_message_names_the_object_the_path_and_what_is_valid() -> None:
    route = {"route": [{"destination": {"host": "both", "port": {"number": 7}}}]}
    (message,) = analyze(typed(TWO_PORTS, service("mall"), rule("r", "mall", route)))
    assert str(message) == (
        "error: VirtualService mesh/r: spec.http[0].route[0].destination.port.number: "
        "7 is not a port of Service both (it has 80, 81); requests get 503 [PortNotFound]"
    )


@pytest.mark.parametrize(
    ("first", "second", "reached"),
    [
        ({"uri": {"prefix": "/a"}}, {"uri": {"exact": "/a/b"}}, False),
        ({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/"}}, True),
        ({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/a"}, "ignoreUriCase": True}, True),
        ({"headers": {"x": {}}}, {"headers": {"x": {"exact": "1"}, "y": {"exact": "2"}}}, False),
        ({"headers": {"x": {"exact": "1"}}}, {"headers": {"x": {}}}, True),
        ({"headers": {"x": {"exact": "1"}}}, {"uri": {"prefix": "/"}}, True),
        ({"withoutHeaders": {"x": {}}}, {"uri": {"prefix": "/"}}, True),
        ({"port": 80}, {"uri": {"prefix": "/"}}, True),
        ({"sourceLabels": {"a": "b"}}, {"sourceLabels": {"a": "b", "c": "d"}}, False),
        ({"method": {"exact": "GET"}}, {"method": {"exact": "GET"}, "uri": {"prefix": "/x"}}, False),
    ],
)
def test_a_route_that_no_request_reaches_is_told(first: Any, second: Any, *, reached: bool) -> None:
    found = said(rule("r", "mall", to("mall", match=[first]), to("products", match=[second]), to("mall")))
    expected = [] if reached else [("warning", "VirtualServiceUnreachableRule", "spec.http[1]")]
    assert found == expected


def test_a_certificate_that_is_there_is_no_mistake() -> None:
    certificate, _ = secret("tls", "example.com")
    assert said(certificate, secure()) == []


def test_a_secret_without_a_certificate_is_an_error_that_says_what_is_not_served() -> None:
    broken, _ = secret("tls", "example.com")
    broken = {**broken, "stringData": {"tls.crt": "not a certificate", "tls.key": "not a key"}}
    broken.pop("data", None)
    (message,) = [item for item in analyze(typed(broken, secure())) if item.code == "InvalidGatewayCredential"]
    assert message.severity == "error"
    assert "nothing is served at port 443" in str(message)
    assert "[IST0161 InvalidGatewayCredential]" in str(message)


def test_a_host_that_its_gateway_does_not_serve_is_named_with_those_that_it_serves() -> None:
    door = gateway("door")
    door["spec"]["servers"][0]["hosts"] = ["shop.example.com", "other/*.example.org"]
    rules = [
        rule("served", "shop.example.com", to("mall"), gateways=["door"]),
        rule("wider", "*.example.com", to("mall"), gateways=["door"]),
        rule("strange", "www.example.com", to("mall"), gateways=["door"]),
        rule("of-others", "a.example.org", to("mall"), gateways=["door"]),
        rule("inside", "mall", to("mall"), gateways=["mesh"]),
    ]
    messages = analyze(typed(*SHOP, door, *rules))
    assert [(item.code, item.error.ref.name if item.error.ref else "") for item in messages] == [
        ("VirtualServiceHostNotFoundInGateway", "strange"),
        ("VirtualServiceHostNotFoundInGateway", "of-others"),
    ]
    assert 'Gateway "mesh/door" does not serve "www.example.com" (it serves shop.example.com' in str(messages[0])


def test_a_host_with_one_dot_is_no_service_to_istio() -> None:
    (message,) = analyze(typed(*SHOP, rule("r", "mall", to("products.mesh"))))
    assert message.error.path == "spec.http[0].route[0].destination.host"
    assert "write products.mesh.svc.cluster.local" in str(message)


@pytest.mark.parametrize(("regex", "is_meant"), [("/api", False), ("^/api", False), ("/api.*", True), ("v[12]", True)])
def test_a_regex_that_matches_one_text_only_is_probably_not_meant(regex: str, is_meant: bool) -> None:
    messages = analyze(typed(*SHOP, rule("r", "mall", to("mall", match=[{"uri": {"regex": regex}}]))))
    assert [message.error.path for message in messages] == ([] if is_meant else ["spec.http[0].match[0].uri.regex"])


def test_two_gateways_that_speak_differently_on_one_port_are_an_error() -> None:
    one, two = typed(gateway("one"), gateway("two", "HTTP2"))
    assert analyze([one, two]) == []
    (found,) = analyze([one, *typed(gateway("raw", "TCP"))])
    assert (found.severity, found.code) == ("error", "ConflictingGateways")
    assert "80 is plain HTTP in Gateway mesh/one and TCP here" in str(found)


def test_messages_about_other_objects_are_left_out() -> None:
    objects = typed(*SHOP, rule("one", "mall", to("nobody")), rule("two", "products", to("nobody")))
    found = analyze(objects, {ref_of(objects[-1])})
    assert [item.error.ref for item in found] == [ref_of(objects[-1])]
