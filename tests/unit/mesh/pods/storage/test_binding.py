"""Which volume a claim gets."""

from typing import Any, cast

import pytest

from mesh.pods.storage.binding import Provision, Wait, default_class, volume_for, without_volume
from mesh.resources.core.persistent_volume import PersistentVolume, PersistentVolumeClaim, StorageClass
from mesh.resources.validation.manifest import validate


def claim(size: str = "1Gi", **spec: Any) -> PersistentVolumeClaim:
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop", "uid": "c1"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec},
    }
    return cast(PersistentVolumeClaim, validate(body, "shop").typed)


def volume(name: str, size: str, labels: dict[str, str] | None = None, **spec: Any) -> PersistentVolume:
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": f"/srv/{name}"},
            **spec,
        },
    }
    return cast(PersistentVolume, validate(body).typed)


def storage_class(name: str, *, default: bool = False, **more: Any) -> StorageClass:
    annotations = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    metadata = {"name": name, "annotations": annotations}
    body = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": metadata,
        "provisioner": "example.com/disks",
        **more,
    }
    return cast(StorageClass, validate(body).typed)


def chosen(claim: PersistentVolumeClaim, *volumes: PersistentVolume) -> str:
    best = volume_for(claim, volumes)
    return best.metadata.name if best is not None else ""


def test_the_smallest_volume_that_is_large_enough_is_taken() -> None:
    volumes = volume("large", "10Gi"), volume("small", "500Mi"), volume("medium", "2Gi")
    assert chosen(claim("1Gi", storageClassName=""), *volumes) == "medium"
    assert chosen(claim("20Gi", storageClassName=""), *volumes) == ""


@pytest.mark.parametrize(
    "spec",
    [
        {"storageClassName": "fast"},
        {"accessModes": ["ReadWriteMany"]},
        {"volumeMode": "Block"},
        {"selector": {"matchLabels": {"disk": "ssd"}}},
        {"volumeName": "another"},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_a_volume_that_differs_from_what_is_asked_for_is_not_taken(spec: dict[str, Any]) -> None:
    assert chosen(claim(**{"storageClassName": "", **spec}), volume("disk", "5Gi")) == ""


def test_a_claim_chooses_by_labels_class_and_name() -> None:
    ssd = volume("ssd", "5Gi", {"disk": "ssd"}, storageClassName="fast")
    plain = volume("plain", "1Gi", storageClassName="fast")
    assert chosen(claim(storageClassName="fast"), ssd, plain) == "plain"
    selector = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    assert chosen(claim(storageClassName="fast", selector=selector), ssd, plain) == "ssd"
    assert chosen(claim(volumeName="ssd"), ssd, plain) == "ssd"


def test_a_volume_that_is_reserved_for_a_claim_is_its_alone() -> None:
    mine = volume("mine", "9Gi", claimRef={"namespace": "shop", "name": "data"})
    others = volume("others", "1Gi", claimRef={"namespace": "shop", "name": "logs"})
    former = volume("former", "1Gi", claimRef={"namespace": "shop", "name": "data", "uid": "c0"})
    assert chosen(claim(storageClassName=""), volume("free", "1Gi"), mine, others, former) == "mine"
    assert chosen(claim(storageClassName=""), others, former) == ""


def test_the_youngest_default_class_counts() -> None:
    one, two, other = storage_class("a", default=True), storage_class("b", default=True), storage_class("c")
    assert default_class([one, two, other]) is two
    assert default_class([other]) is None


def test_a_class_decides_when_and_how_long_a_volume_is() -> None:
    late = storage_class("late", volumeBindingMode="WaitForFirstConsumer", reclaimPolicy="Retain")
    classes = {"late": late}
    waiting = without_volume(claim(storageClassName="late"), classes, has_consumer=False)
    assert isinstance(waiting, Wait)
    assert waiting.reason == "WaitForFirstConsumer"
    used = without_volume(claim(storageClassName="late"), classes, has_consumer=True)
    assert used == Provision("late", "Retain", known=True)


def test_a_class_that_is_missing_is_provisioned_and_none_at_all_is_not() -> None:
    elsewhere = without_volume(claim(storageClassName="gp2"), {}, has_consumer=False)
    assert elsewhere == Provision("gp2", "Delete", known=False)
    none = without_volume(claim(storageClassName=""), {}, has_consumer=False)
    assert isinstance(none, Wait)
    assert none.reason == "FailedBinding"
    block = without_volume(claim(storageClassName="gp2", volumeMode="Block"), {}, has_consumer=False)
    assert isinstance(block, Wait)
    assert block.reason == "ProvisioningFailed"
