"""Services: what is refused, by its path, and what may not change."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.support.objects import updated, with_fields
from tests.support.smallest import SERVICE

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]


@pytest.mark.parametrize(
    ("field", "value", "path", "says"),
    [
        ("spec.ports[0].port", 0, "", "0 is not a port (1-65535)"),
        ("spec.ports[0].targetPort", "8080", "", "neither a port nor the name"),
        ("spec.ports[0].targetPort", "A_", "", "at least one letter"),
        ("spec.ports[0].protocol", "HTTP", "", "is not TCP, UDP or SCTP"),
        ("spec.ports[0].appProtocol", "a b", "", "is not a protocol"),
        ("spec.ports", [], "", "is empty"),
        ("spec.ports", [{"name": "a", "port": 1}, {"name": "a", "port": 2}], "spec.ports[1].name", "duplicate"),
        ("spec.ports", [{"name": "a", "port": 1}, {"name": "b", "port": 1}], "spec.ports[1]", 'duplicate "1/TCP"'),
        ("spec.type", "ExternalName", "spec.externalName", "is missing"),
        ("spec.clusterIP", "nowhere", "spec.clusterIPs[0]", "neither an address"),
        ("spec.ipFamilies", ["IPv6"], "spec.ipFamilies[0]", "not configured"),
        ("spec.ipFamilyPolicy", "RequireDualStack", "", "IPv4 alone"),
        ("spec.externalIPs", ["x"], "spec.externalIPs[0]", "not an IP address"),
        ("spec.externalIPs", ["127.0.0.1"], "spec.externalIPs[0]", "other machines"),
        ("spec.externalTrafficPolicy", "Local", "", "needs type NodePort"),
        ("spec.loadBalancerSourceRanges", ["10.0.0.0/8"], "spec.LoadBalancerSourceRanges", "needs type LoadBalancer"),
        ("spec.loadBalancerClass", "a/b", "", "needs type LoadBalancer"),
        ("spec.healthCheckNodePort", 30001, "", "needs type LoadBalancer"),
        ("spec.trafficDistribution", "X", "", "is not PreferClose"),
        ("spec.internalTrafficPolicy", "X", "", "is not Cluster or Local"),
        ("spec.selector", {"a": "b c"}, "", "a label's value"),
        ("spec.sessionAffinity", "IP", "", "neither None nor ClientIP"),
        ("metadata.name", "a.b", "", "is not a name"),
    ],
)  # fmt: skip
def test_a_service_is_refused_for(errors_of: Errors, field: str, value: Any, path: str, says: str) -> None:
    assert says in errors_of(SERVICE, {field: value})[path or field]


def test_node_ports_have_a_range_and_stand_once(errors_of: Errors) -> None:
    ports = [{"name": name, "port": port, "nodePort": 31000} for name, port in (("a", 1), ("b", 2))]
    assert errors_of(SERVICE, {"spec.type": "NodePort", "spec.ports": ports}) == {
        "spec.ports[1].nodePort": "duplicate 31000"
    }
    assert "30000-32767" in errors_of(SERVICE, {"spec.type": "NodePort", "spec.ports[0].nodePort": 80})[
        "spec.ports[0].nodePort"
    ]  # fmt: skip


def test_a_services_ports_get_their_defaults() -> None:
    spec = validate(SERVICE, "mesh").body["spec"]
    assert spec["ports"] == [{"name": "http", "port": 9080, "protocol": "TCP", "targetPort": 9080}]
    assert (spec["type"], spec["sessionAffinity"]) == ("ClusterIP", "None")


def test_a_target_port_of_zero_is_the_port() -> None:
    for written in (0, ""):
        changed = with_fields(SERVICE, {"spec.ports[0].targetPort": written})
        assert validate(changed, "mesh").body["spec"]["ports"][0]["targetPort"] == 9080


@pytest.mark.parametrize(("protocol", "warns"), [("UDP", False), ("SCTP", True)])
def test_a_port_that_nobody_carries_is_stored_with_a_warning(protocol: str, warns: bool) -> None:
    validated = validate(with_fields(SERVICE, {"spec.ports[0].protocol": protocol}), "mesh")
    assert validated.body["spec"]["ports"][0]["protocol"] == protocol
    assert any(f"spec.ports[0].protocol: {protocol}" in warning for warning in validated.warnings) is warns


def test_a_service_gets_the_policies_of_its_type() -> None:
    def spec(**fields: Any) -> dict[str, Any]:
        return dict(
            validate(with_fields(SERVICE, {f"spec.{name}": fields[name] for name in fields}), "mesh").body["spec"]
        )

    assert "externalTrafficPolicy" not in spec()
    assert spec(type="NodePort")["externalTrafficPolicy"] == "Cluster"
    assert spec(type="LoadBalancer")["allocateLoadBalancerNodePorts"] is True
    assert spec(sessionAffinity="ClientIP")["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    assert "internalTrafficPolicy" not in spec(type="ExternalName", externalName="example.com")


def test_a_load_balancer_asks_for_ranges_of_addresses(errors_of: Errors) -> None:
    errors = errors_of(SERVICE, {"spec.type": "LoadBalancer", "spec.loadBalancerSourceRanges": ["10.0.0.0/8", "x"]})
    assert list(errors) == ["spec.LoadBalancerSourceRanges[1]"]


def test_an_affinity_lasts_up_to_a_day(errors_of: Errors) -> None:
    path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
    for wrong in (0, 86401):
        assert list(errors_of(SERVICE, {"spec.sessionAffinity": "ClientIP", path: wrong})) == [path]


def test_the_cluster_ip_may_not_change() -> None:
    assert "spec.clusterIPs[0]: cannot be changed" in updated(
        SERVICE, {"spec.clusterIP": "127.1.200.2"}, {"spec.clusterIP": "127.1.200.1"}
    )[0]  # fmt: skip
    assert updated(SERVICE, {}, {"spec.clusterIP": "127.1.200.1"}) == []
