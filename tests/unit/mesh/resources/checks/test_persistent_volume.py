"""What claims, volumes and classes may not say, and what may not change in them."""

from typing import Any

import pytest

from tests.support.objects import errors, updated, with_fields

CLAIM: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "namespace": "mesh"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
VOLUME: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "disk"},
    "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/srv"}},
}
CLASS: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "fast"},
    "provisioner": "example.com/disks",
}


@pytest.mark.parametrize("body", [CLAIM, VOLUME, CLASS], ids=lambda body: body["kind"])
def test_the_smallest_of_each_kind_is_valid(body: dict[str, Any]) -> None:
    assert errors(body) == []


@pytest.mark.parametrize(
    ("body", "path", "value", "at"),
    [
        (CLAIM, "spec.accessModes", [], "spec.accessModes"),
        (CLAIM, "spec.accessModes", ["ReadWriteSometimes"], "spec.accessModes"),
        (CLAIM, "spec.accessModes", ["ReadWriteOncePod", "ReadWriteOnce"], "spec.accessModes"),
        (CLAIM, "spec.resources", {}, "spec.resources[storage]"),
        (CLAIM, "spec.resources", {"requests": {"storage": "0"}}, "spec.resources.requests[storage]"),
        (CLAIM, "spec.volumeMode", "Tape", "spec.volumeMode"),
        (VOLUME, "spec.capacity", {}, "spec.capacity"),
        (VOLUME, "spec.persistentVolumeReclaimPolicy", "Burn", "spec.persistentVolumeReclaimPolicy"),
        (VOLUME, "spec.nfs", {"server": "a", "path": "/"}, "spec.nfs"),
        (VOLUME, "spec.hostPath", {"path": "/srv/../etc"}, "spec.hostPath.path"),
        (CLASS, "reclaimPolicy", "Recycle", "reclaimPolicy"),
        (CLASS, "volumeBindingMode", "Never", "volumeBindingMode"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], path: str, value: Any, at: str) -> None:
    (problem,) = errors(with_fields(body, {path: value}))
    assert f"{at}: " in problem


def test_a_claim_changes_only_its_size_and_only_when_it_is_bound() -> None:
    larger = {"spec.resources.requests.storage": "2Gi"}
    smaller = {"spec.resources.requests.storage": "1Mi"}
    bound = {**CLAIM, "status": {"phase": "Bound"}}
    assert updated(bound, larger) == []
    assert "spec.resources.requests.storage: " in updated(bound, smaller)[0]
    assert "spec: cannot be changed" in updated(CLAIM, larger)[0]
    assert "spec: cannot be changed" in updated(bound, {"spec.accessModes": ["ReadWriteMany"]})[0]
    assert updated(CLAIM, {"spec.volumeName": "disk", "spec.storageClassName": "fast"}) == []


def test_the_place_of_a_volume_and_what_a_class_provisions_stay() -> None:
    assert "cannot be changed" in updated(VOLUME, {"spec.hostPath.path": "/opt"})[0]
    assert updated(VOLUME, {"spec.persistentVolumeReclaimPolicy": "Delete"}) == []
    assert "provisioner: cannot be changed" in updated(CLASS, {"provisioner": "example.com/tapes"})[0]
    assert updated(CLASS, {"allowVolumeExpansion": True}) == []
