"""What a cluster stores and this mesh does not carry out is stored with one warning line, and is not in force."""

from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.routing.model.route import Forward
from tests.support.objects import body, pod, service
from tests.support.worlds import clusters, decided, snapshot

SECURITY = "security.istio.io"
TARGETS: dict[str, Any] = {"targetRefs": [{"kind": "Gateway", "name": "waypoint"}]}


def warnings(kind: str, group: str, **spec: Any) -> list[str]:
    raw = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "x", "namespace": "mesh"}, "spec": spec}
    return validate(raw).warnings


@pytest.mark.parametrize(
    ("kind", "group", "spec", "field"),
    [
        ("AuthorizationPolicy", SECURITY, {"action": "AUDIT", "rules": [{}]}, "spec.action"),
        ("AuthorizationPolicy", SECURITY, {"action": "CUSTOM", "provider": {"name": "p"}}, "spec.action"),
        ("AuthorizationPolicy", SECURITY, {**TARGETS, "rules": [{}]}, "spec.targetRefs"),
        ("RequestAuthentication", SECURITY, TARGETS, "spec.targetRefs"),
        (
            "Sidecar",
            "networking.istio.io",
            {"workloadSelector": {"labels": {"app": "ratings"}}, "egress": [{"hosts": ["./*"]}]},
            "spec.workloadSelector",
        ),
        (
            "ServiceEntry",
            "networking.istio.io",
            {"hosts": ["a.example.com"], "ports": [{"number": 53, "name": "dns", "protocol": "UDP"}]},
            "spec.ports[0].protocol",
        ),
    ],
)
def test_it_is_stored_with_one_line(kind: str, group: str, spec: dict[str, Any], field: str) -> None:
    (line,) = [line for line in warnings(kind, group, **spec) if field in line]
    assert f"{kind} mesh/x: {field}: " in line


@pytest.mark.parametrize(
    ("kind", "group", "spec", "words"),
    [
        (
            "PeerAuthentication",
            SECURITY,
            {"mtls": {"mode": "STRICT"}},
            "is not encrypted, so that STRICT refuses nobody",
        ),
        (
            "Telemetry",
            "telemetry.istio.io",
            {"tracing": [{"randomSamplingPercentage": 1}], "accessLogging": [{"disabled": True}]},
            "its accessLogging, metrics and tracing are ignored",
        ),
        ("WorkloadEntry", "networking.istio.io", {"address": "10.0.0.1"}, "in a ServiceEntry's endpoints"),
    ],
)
def test_a_kind_without_effect_is_stored_with_one_line_that_says_why(
    kind: str, group: str, spec: dict[str, Any], words: str
) -> None:
    (line,) = warnings(kind, group, **spec)
    assert f"{kind} mesh/x: has no effect here: " in line
    assert words in line


@pytest.mark.parametrize("spec", [{"action": "CUSTOM", "provider": {"name": "p"}}, TARGETS])
def test_a_policy_that_is_not_carried_out_refuses_nobody(spec: dict[str, Any]) -> None:
    policy = body("AuthorizationPolicy", "p", group=SECURITY, **spec)
    snap = snapshot(service("shop"), pod("shop-1", "127.1.0.1", app="shop"), policy)
    row = decided(snap, "shop:7000")
    assert row is not None
    assert not any(access.allow is not None or access.deny for access in row.access)


def test_a_sidecar_for_some_pods_hides_nothing() -> None:
    sidecar = body("Sidecar", "s", workloadSelector={"labels": {"app": "a"}}, egress=[{"hosts": ["~/*"]}])
    assert clusters(decided(snapshot(service("shop"), sidecar), "shop:7000")) == ["shop"]


def test_requests_for_a_wildcard_of_a_service_entry_go_to_the_host_that_they_name() -> None:
    ports = [{"number": 80, "name": "http", "protocol": "HTTP"}, {"number": 443, "name": "https", "protocol": "HTTPS"}]
    entry = body("ServiceEntry", "google", hosts=["accounts.google.com", "*.googleapis.com"], ports=ports)
    snap = snapshot(service("shop"), pod("shop-1", "127.1.0.1", app="shop"), entry)
    (wildcard,) = [host for host in snap.tables["outbound|mesh"].hosts if "*.googleapis.com" in host.domains]
    (row,) = wildcard.routes
    assert isinstance(row.action, Forward)
    assert [share.cluster for share in row.action.to] == ["PassthroughCluster"]
    assert "PassthroughCluster" in snap.clusters
    assert snap.listeners["sidecar|mesh/shop-1"].passthrough
    assert clusters(decided(snap, "accounts.google.com")) == ["accounts.google.com"]
    assert clusters(decided(snap, "shop:7000")) == ["shop"]


def test_a_service_entry_needs_no_ports_and_cannot_resolve_a_wildcard(errors_of: Any) -> None:
    raw = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "x", "namespace": "mesh"},
        "spec": {"hosts": ["a.example.com"]},
    }
    assert errors_of(raw, {}) == {}
    assert list(errors_of(raw, {"spec.hosts": ["*"]})) == ["spec.hosts[0]"]
    assert list(errors_of(raw, {"spec.hosts": ["*.example.com"], "spec.resolution": "DNS"})) == ["spec.hosts[0]"]
    assert errors_of(raw, {"spec.hosts": ["*.example.com"], "spec.resolution": "DYNAMIC_DNS"}) == {}
