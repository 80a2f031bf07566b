"""Kinds without effect: rejected for what a cluster rejects them for, and by the same field."""

from collections.abc import Mapping
from typing import Any

import pytest

from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid

RBAC = "rbac.authorization.k8s.io"
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
ROLE_REF = {"apiGroup": RBAC, "kind": "Role", "name": "r"}
WEBHOOK = {
    "name": "a.example.com",
    "clientConfig": {"url": "https://example.com"},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}


def manifest(api_version: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **fields}


def policy(**spec: Any) -> dict[str, Any]:
    return manifest("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}, **spec})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (manifest(f"{RBAC}/v1", "Role", rules=[{**RULE, "verbs": []}]), "rules[0].verbs"),
        (manifest(f"{RBAC}/v1", "Role", rules=[{"verbs": ["get"]}]), "rules[0].resources"),
        (
            manifest(f"{RBAC}/v1", "Role", rules=[{"verbs": ["get"], "nonResourceURLs": ["/x"]}]),
            "rules[0].nonResourceURLs",
        ),
        (manifest(f"{RBAC}/v1", "RoleBinding", roleRef={**ROLE_REF, "kind": "X"}), "roleRef.kind"),
        (manifest(f"{RBAC}/v1", "ClusterRoleBinding", roleRef=ROLE_REF), "roleRef.kind"),
        (
            manifest(f"{RBAC}/v1", "RoleBinding", roleRef=ROLE_REF, subjects=[{"kind": "X", "name": "n"}]),
            "subjects[0].kind",
        ),
        (
            manifest(f"{RBAC}/v1", "RoleBinding", roleRef=ROLE_REF, subjects=[{"kind": "ServiceAccount", "name": "n"}]),
            "subjects[0].namespace",
        ),
        (manifest("scheduling.k8s.io/v1", "PriorityClass", value=2 * 10**9), "value"),
        (manifest("scheduling.k8s.io/v1", "PriorityClass", value=1, preemptionPolicy="X"), "preemptionPolicy"),
        (manifest("coordination.k8s.io/v1", "Lease", spec={"leaseDurationSeconds": 0}), "spec.leaseDurationSeconds"),
        (manifest("coordination.k8s.io/v1", "Lease", spec={"renewTime": "2026-01-01T00:00:00Z"}), "spec.renewTime"),
        (manifest("v1", "ResourceQuota", spec={"hard": {"cpu": "-1"}}), "spec.hard[cpu]"),
        (manifest("v1", "ResourceQuota", spec={"hard": {"cpu": "x"}}), "spec.hard[cpu]"),
        (
            manifest("v1", "LimitRange", spec={"limits": [{"type": "Pod", "min": {"cpu": 2}, "max": {"cpu": 1}}]}),
            "spec.limits[0].min[cpu]",
        ),
        (manifest("v1", "PodTemplate", template={"spec": {}}), "template.spec.containers"),
        (manifest("v1", "Node", spec={"taints": [{"key": "a", "effect": "X"}]}), "spec.taints[0].effect"),
        (policy(policyTypes=["X"]), "spec.policyTypes[0]"),
        (policy(ingress=[{"ports": [{"protocol": "X"}]}]), "spec.ingress[0].ports[0].protocol"),
        (policy(egress=[{"ports": [{"port": 4, "endPort": 3}]}]), "spec.egress[0].ports[0].endPort"),
        (policy(egress=[{"ports": [{"endPort": 3}]}]), "spec.egress[0].ports[0].endPort"),
        (policy(ingress=[{"from": [{}]}]), "spec.ingress[0].from[0]"),
        (policy(ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0/8"}}]}]), "spec.ingress[0].from[0].ipBlock.cidr"),
        (
            policy(ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]}]),
            "spec.ingress[0].from[0].ipBlock.except[0]",
        ),
        (
            manifest("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", webhooks=[{"name": "a"}]),
            "webhooks[0].name",
        ),
        (
            manifest(
                "admissionregistration.k8s.io/v1",
                "ValidatingWebhookConfiguration",
                webhooks=[{**WEBHOOK, "sideEffects": "Some"}],
            ),
            "webhooks[0].sideEffects",
        ),
        (
            manifest(
                "admissionregistration.k8s.io/v1",
                "ValidatingWebhookConfiguration",
                webhooks=[{**WEBHOOK, "timeoutSeconds": 60}],
            ),
            "webhooks[0].timeoutSeconds",
        ),
    ],
)
def test_an_object_is_rejected_by_its_field(body: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(body, "mesh")
    assert path in [error.path for error in caught.value.errors], caught.value


@pytest.mark.parametrize(
    ("body", "field", "stored"),
    [
        (manifest("scheduling.k8s.io/v1", "PriorityClass", value=1), "preemptionPolicy", "PreemptLowerPriority"),
        (manifest("coordination.k8s.io/v1", "Lease"), "spec", {}),
        (
            manifest(
                "v1", "LimitRange", spec={"limits": [{"type": "Container", "max": {"cpu": 2}, "min": {"cpu": 1}}]}
            ),
            "spec",
            {
                "limits": [
                    {
                        "type": "Container",
                        "max": {"cpu": "2"},
                        "min": {"cpu": "1"},
                        "default": {"cpu": "2"},
                        "defaultRequest": {"cpu": "2"},
                    }
                ]
            },
        ),
        (
            manifest(
                f"{RBAC}/v1",
                "RoleBinding",
                roleRef={"kind": "Role", "name": "r"},
                subjects=[{"kind": "User", "name": "u"}],
            ),
            "subjects",
            [{"kind": "User", "name": "u", "apiGroup": RBAC}],
        ),
        (policy(egress=[{}]), "spec", {"podSelector": {}, "egress": [{}], "policyTypes": ["Ingress", "Egress"]}),
        (
            manifest("v1", "ResourceQuota", spec={"hard": {"memory": "100.5Gi"}}),
            "spec",
            {"hard": {"memory": "102912Mi"}},
        ),
    ],
)
def test_the_defaults_of_a_cluster_are_stored(body: dict[str, Any], field: str, stored: object) -> None:
    assert validate(body, "mesh").body[field] == stored


@pytest.mark.parametrize(
    ("old", "changes", "path"),
    [
        (
            manifest(f"{RBAC}/v1", "RoleBinding", roleRef=ROLE_REF),
            {"roleRef": {**ROLE_REF, "name": "other"}},
            "roleRef",
        ),
        (manifest("scheduling.k8s.io/v1", "PriorityClass", value=1), {"value": 2}, "value"),
    ],
)
def test_what_others_rely_on_cannot_change(old: dict[str, Any], changes: Mapping[str, Any], path: str) -> None:
    group = str(old["apiVersion"]).rpartition("/")[0]
    kind = REGISTRY.by_kind(group, old["kind"])
    assert kind is not None
    before, after = validate(old, "mesh").body, validate({**old, **changes}, "mesh").body
    assert [error.path for error in kind.check_body_update(before, after)] == [path]
    assert list(kind.check_body_update(before, before)) == []


def test_unknown_fields_are_rejected_under_strict_validation_at_any_depth() -> None:
    with pytest.raises(Invalid) as caught:
        validate(policy(ingress=[{"ports": [{"prot": 1}]}]), "mesh")
    assert [error.path for error in caught.value.errors] == ["spec.ingress[0].ports[0].prot"]
