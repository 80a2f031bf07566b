"""What StatefulSets, DaemonSets and ReplicationControllers may not say, and what may not change in them."""

from typing import Any

import pytest

from tests.support.objects import errors, updated, with_fields

MOUNT = {"name": "data", "mountPath": "/data"}
SPEC = {
    "selector": {"matchLabels": {"app": "db"}},
    "template": {
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [{"name": "main", "image": "db", "volumeMounts": [MOUNT]}]},
    },
}
CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
STATEFUL_SET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "db", "namespace": "mesh"},
    "spec": {**SPEC, "serviceName": "db", "volumeClaimTemplates": [CLAIM]},
}
DAEMON_SET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "agent", "namespace": "mesh"},
    "spec": {
        "selector": SPEC["selector"],
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "main", "image": "a"}]}},
    },
}
REPLICATION_CONTROLLER: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ReplicationController",
    "metadata": {"name": "old", "namespace": "mesh"},
    "spec": {"template": DAEMON_SET["spec"]["template"]},
}


@pytest.mark.parametrize("body", [STATEFUL_SET, DAEMON_SET, REPLICATION_CONTROLLER], ids=lambda body: body["kind"])
def test_the_smallest_of_each_kind_is_valid(body: dict[str, Any]) -> None:
    assert errors(body) == []


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("spec.replicas", -1, "spec.replicas"),
        ("spec.ordinals", {"start": -1}, "spec.ordinals.start"),
        ("spec.podManagementPolicy", "Serial", "spec.podManagementPolicy"),
        ("spec.updateStrategy", {"type": "Recreate"}, "spec.updateStrategy.type"),
        (
            "spec.updateStrategy",
            {"type": "OnDelete", "rollingUpdate": {"partition": 1}},
            "spec.updateStrategy.rollingUpdate",
        ),
        (
            "spec.updateStrategy",
            {"rollingUpdate": {"maxUnavailable": 0}},
            "spec.updateStrategy.rollingUpdate.maxUnavailable",
        ),
        (
            "spec.persistentVolumeClaimRetentionPolicy",
            {"whenScaled": "Recycle"},
            "spec.persistentVolumeClaimRetentionPolicy.whenScaled",
        ),
        ("spec.volumeClaimTemplates", [], "spec.template.spec.containers[0].volumeMounts[0].name"),
        ("spec.volumeClaimTemplates", [CLAIM, CLAIM], "spec.volumeClaimTemplates[1].metadata.name"),
        (
            "spec.volumeClaimTemplates",
            [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
            "spec.volumeClaimTemplates[0].spec.resources[storage]",
        ),
    ],
)
def test_what_a_stateful_set_may_not_say(path: str, value: Any, at: str) -> None:
    (problem,) = errors(with_fields(STATEFUL_SET, {path: value}))
    assert f"{at}: " in problem


def test_only_what_does_not_make_names_and_claims_changes() -> None:
    assert updated(STATEFUL_SET, {"spec.replicas": 3, "spec.minReadySeconds": 5}) == []
    for path, value in (("spec.serviceName", "other"), ("spec.podManagementPolicy", "Parallel")):
        (problem,) = updated(STATEFUL_SET, {path: value})
        assert f"{path}: cannot be changed" in problem


@pytest.mark.parametrize(
    ("rolling", "field"),
    [
        ({"maxUnavailable": 0, "maxSurge": 0}, "maxUnavailable"),
        ({"maxUnavailable": 1, "maxSurge": 1}, "maxSurge"),
        ({"maxUnavailable": "half"}, "maxUnavailable"),
    ],
)
def test_a_daemon_set_replaces_before_or_after_not_both(rolling: dict[str, Any], field: str) -> None:
    (problem,) = errors(with_fields(DAEMON_SET, {"spec.updateStrategy": {"rollingUpdate": rolling}}))
    assert f"spec.updateStrategy.rollingUpdate.{field}: " in problem


def test_a_replication_controllers_selector_fits_its_template() -> None:
    (problem,) = errors(with_fields(REPLICATION_CONTROLLER, {"spec.selector": {"app": "other"}}))
    assert "spec.template.metadata.labels: " in problem
