"""Kinds without effect: a row each, which is stored with a warning."""

from typing import Any

import pytest

from mesh.resources.inert_kinds import COLUMNS, INERT_KINDS, RULES, InertKind
from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid

STORED_AS_WRITTEN = [row for row in INERT_KINDS if row.kind not in RULES]
CLUSTER_WIDE = {
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "APIService", "CertificateSigningRequest"),
    *("ClusterTrustBundle", "FlowSchema", "PriorityLevelConfiguration", "RuntimeClass", "CSIDriver", "CSINode"),
    *("VolumeAttachment", "VolumeAttributesClass", "StorageVersionMigration", "DeviceClass", "DeviceTaintRule"),
    *("ResourceSlice", "IPAddress", "ServiceCIDR"),
}
WITH_STATUS = {
    *("ValidatingAdmissionPolicy", "APIService", "CertificateSigningRequest", "PodCertificateRequest", "FlowSchema"),
    *("PriorityLevelConfiguration", "VolumeAttachment", "StorageVersionMigration", "DeviceTaintRule"),
    *("ResourceClaim", "ServiceCIDR"),
}


def an_object(row: InertKind, version: str) -> dict[str, Any]:
    namespace = {"namespace": "mesh"} if row.namespaced else {}
    return {
        "apiVersion": f"{row.group}/{version}" if row.group else version,
        "kind": row.kind,
        "metadata": {"name": "x", **namespace},
        "spec": {"anything": [1, {"a": ""}]},
    }


@pytest.mark.parametrize("row", STORED_AS_WRITTEN, ids=lambda row: row.kind)
def test_what_a_cluster_stores_is_stored_as_it_is_written_with_one_warning(row: InertKind) -> None:
    for version in row.versions.split():
        body = an_object(row, version)
        validated = validate(body, "mesh")
        assert validated.body["spec"] == body["spec"]
        assert validated.body["apiVersion"] == body["apiVersion"]
        assert [warning.partition(": has no effect here: ")[2] for warning in validated.warnings] == [row.reason]


def test_names_are_those_of_one_kind() -> None:
    for names in (
        [(row.group, row.kind) for row in INERT_KINDS],
        [(row.group, row.plural) for row in INERT_KINDS],
        [short for row in INERT_KINDS for short in row.short.split()],
    ):
        assert len(set(names)) == len(names)


def test_the_scope_of_a_kind_is_that_of_a_cluster() -> None:
    rows = {row.kind: row for row in INERT_KINDS}
    assert {kind for kind in CLUSTER_WIDE if rows[kind].namespaced} == set()
    assert all(rows[kind].namespaced for kind in ("ResourceClaim", "CSIStorageCapacity"))


def test_a_kind_has_a_status_where_it_has_one_on_a_cluster() -> None:
    kinds = CLUSTER_WIDE | WITH_STATUS | {"CSIStorageCapacity", "ResourceClaimTemplate"}
    shown = {row.kind for row in INERT_KINDS if row.kind in kinds and "status" in row.definition().subresources}
    assert shown == WITH_STATUS


def test_every_table_belongs_to_a_kind() -> None:
    for group, kind in COLUMNS:
        assert REGISTRY.by_kind(group, kind) is not None, kind


def test_a_trust_bundle_may_be_named_after_its_signer() -> None:
    row = next(row for row in INERT_KINDS if row.kind == "ClusterTrustBundle")
    body = an_object(row, "v1")
    body["metadata"]["name"] = "example.com:signer:1"
    assert validate(body, "mesh").ref.name == "example.com:signer:1"
    body["kind"] = "CertificateSigningRequest"
    with pytest.raises(Invalid):
        validate(body, "mesh")
