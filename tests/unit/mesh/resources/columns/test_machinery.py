"""The columns of kinds that steer a cluster's machinery show what a cluster shows."""

from typing import Any

import pytest

from mesh.resources.columns.machinery import (
    ADMISSION,
    CERTIFICATES,
    COLUMNS,
    DEVICES,
    FLOW_CONTROL,
    NETWORKING,
    STORAGE,
)


def cells(group: str, kind: str, **body: Any) -> list[Any]:
    """The cells of an object, without those of its name and age."""
    metadata = {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"} | body.pop("metadata", {})
    stored = {"metadata": metadata, **body}
    return [column.cell(stored) for column in COLUMNS[group, kind] if column.name not in ("Name", "Age")]


@pytest.mark.parametrize("kind", COLUMNS, ids=lambda kind: str(kind[1]))
def test_an_object_that_says_nothing_has_a_row(kind: tuple[str, str]) -> None:
    assert cells(*kind) == cells(*kind, spec={}, status={})


def test_a_policy_shows_how_many_rules_it_has_and_its_binding_shows_the_parameter() -> None:
    parameters = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert cells(ADMISSION, "ValidatingAdmissionPolicy", spec={"validations": [{}, {}]}) == [2, "<unset>"]
    assert cells(ADMISSION, "MutatingAdmissionPolicy", spec={"paramKind": parameters}) == [0, "v1/ConfigMap"]
    for reference, shown in (
        (None, "<unset>"),
        ({"name": "a"}, "*/a"),
        ({"name": "a", "namespace": "b"}, "b/a"),
        ({"selector": {"matchLabels": {"app": "web"}}}, "app=web"),
    ):
        spec = {"policyName": "p", "paramRef": reference}
        assert cells(ADMISSION, "ValidatingAdmissionPolicyBinding", spec=spec) == ["p", shown]


@pytest.mark.parametrize(
    ("conditions", "certificate", "state"),
    [
        ([], "", "Pending"),
        (["Approved"], "", "Approved"),
        (["Approved"], "abc", "Approved,Issued"),
        (["Approved", "Denied", "Failed"], "", "Denied,Failed"),
    ],
)
def test_a_request_for_a_certificate_shows_what_became_of_it(
    conditions: list[str], certificate: str, state: str
) -> None:
    spec = {"signerName": "a.b/c", "username": "ann", "expirationSeconds": 3600}
    status = {"conditions": [{"type": name} for name in conditions], "certificate": certificate}
    shown = cells(CERTIFICATES, "CertificateSigningRequest", spec=spec, status=status)
    assert shown == ["a.b/c", "ann", "60m", state]


def test_priorities_of_requests() -> None:
    spec: dict[str, Any] = {"priorityLevelConfiguration": {"name": "low"}, "matchingPrecedence": 9}
    status = {"conditions": [{"type": "Dangling", "status": "False"}]}
    assert cells(FLOW_CONTROL, "FlowSchema", spec=spec) == ["low", "9", "<none>", "?"]
    assert cells(FLOW_CONTROL, "FlowSchema", spec=spec, status=status)[-1] == "False"
    queuing = {"queues": 64, "handSize": 6, "queueLengthLimit": 50}
    limited = {"nominalConcurrencyShares": 30, "limitResponse": {"type": "Queue", "queuing": queuing}}
    spec = {"type": "Limited", "limited": limited}
    assert cells(FLOW_CONTROL, "PriorityLevelConfiguration", spec=spec) == ["Limited", 30, 64, 6, 50]
    assert cells(FLOW_CONTROL, "PriorityLevelConfiguration", spec={"type": "Exempt"})[1:] == ["<none>"] * 4


def test_a_driver_shows_kubernetes_defaults() -> None:
    assert cells(STORAGE, "CSIDriver") == [True, False, False, "<unset>", False, "<none>"]
    spec = {"attachRequired": False, "tokenRequests": [{"audience": "a"}], "volumeLifecycleModes": ["Persistent"]}
    assert cells(STORAGE, "CSIDriver", spec=spec) == [False, False, False, "a", False, "Persistent"]


def test_a_claim_of_devices_shows_how_far_it_is() -> None:
    allocated = {"allocation": {"devices": {}}, "reservedFor": [{"name": "p"}]}
    assert cells(DEVICES, "ResourceClaim") == ["pending"]
    assert cells(DEVICES, "ResourceClaim", status=allocated) == ["allocated,reserved"]
    assert cells(DEVICES, "ResourceClaim", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}) == ["deleted"]


def test_an_address_shows_whose_it_is() -> None:
    parent = {"resource": "services", "namespace": "mesh", "name": "web"}
    assert cells(NETWORKING, "IPAddress", spec={"parentRef": parent}) == ["services/mesh/web"]
    assert cells(NETWORKING, "IPAddress") == ["<none>"]


def test_a_migration_shows_its_resource_and_its_last_true_condition() -> None:
    conditions = [{"type": "Running", "status": "False"}, {"type": "Succeeded", "status": "True"}]
    shown = cells(
        "storagemigration.k8s.io",
        "StorageVersionMigration",
        spec={"resource": {"group": "apps", "resource": "deployments"}},
        status={"conditions": conditions},
    )
    assert shown == ["deployments.apps", "Succeeded"]


def test_other_servers_show_their_conditions() -> None:
    conditions = [{"type": "Available", "status": "True"}]
    service = {"service": {"namespace": "kube-system", "name": "metrics-server"}}
    kind = ("apiregistration.k8s.io", "APIService")
    assert cells(*kind, spec=service, status={"conditions": conditions}) == ["kube-system/metrics-server", "True"]
    assert cells(*kind) == ["Local", "Unknown"]
