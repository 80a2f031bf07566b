"""Claims and volumes as a user sees them: bound, used, kept, reclaimed."""

from typing import Any

from mesh.resources.values.ref import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS, Ref
from tests.support.yard import Yard, pod, shell

FOREVER = shell("exec sleep 600")
DATA = Ref(*PERSISTENT_VOLUME_CLAIM, "mesh", "data")
MOUNTED = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
OF_CLAIM = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}


def claim(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec},
    }


def phase(yard: Yard, ref: Ref = DATA) -> str:
    return str(((yard.get(ref) or {}).get("status") or {}).get("phase", ""))


def volumes(yard: Yard) -> list[dict[str, Any]]:
    return [stored.body for stored in yard.store.list(*PERSISTENT_VOLUME)]


def delete(yard: Yard, ref: Ref) -> None:
    """As the API does it for what has finalizers."""
    yard.change(ref, lambda body: body["metadata"].update(deletionTimestamp="2026-11-23T00:00:00Z"))


async def test_a_claim_is_bound_to_a_volume_of_the_default_class(yard: Yard) -> None:
    yard.put(claim())
    await yard.until(lambda: phase(yard) == "Bound")
    body = yard.get(DATA)
    assert body is not None
    (volume,) = volumes(yard)
    assert body["spec"]["storageClassName"] == "standard"
    assert body["spec"]["volumeName"] == volume["metadata"]["name"] == f"pvc-{body['metadata']['uid']}"
    assert body["status"]["capacity"] == {"storage": "1Gi"}
    assert body["status"]["accessModes"] == ["ReadWriteOnce"]
    assert volume["spec"]["hostPath"]["path"] == str(yard.home / "claims" / "mesh" / "data")
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert volume["spec"]["claimRef"]["name"] == "data"
    await yard.until(lambda: phase(yard, Ref(*PERSISTENT_VOLUME, "", volume["metadata"]["name"])) == "Bound")
    assert yard.events("ProvisioningSucceeded")


async def test_a_pod_waits_for_its_claim(yard: Yard) -> None:
    ref = yard.put(pod("db", *FOREVER, spec=OF_CLAIM, **MOUNTED))
    reason = 'persistentvolumeclaim "data" not found'
    await yard.until(lambda: yard.container(ref).get("state", {}).get("waiting", {}).get("message") == reason)
    yard.put(claim())
    await yard.until(lambda: yard.ready(ref))
    assert (yard.home / "claims" / "mesh" / "data").is_dir()


async def test_a_claim_that_a_pod_uses_stays_until_the_pod_has_ended(yard: Yard) -> None:
    yard.put(claim())
    ref = yard.put(pod("db", *FOREVER, spec=OF_CLAIM, **MOUNTED))
    await yard.until(lambda: yard.ready(ref))
    folder = yard.home / "claims" / "mesh" / "data"
    (folder / "row").touch()
    delete(yard, DATA)
    await yard.manager.idle()
    assert (folder / "row").exists()
    assert yard.get(DATA) is not None
    yard.end(ref, 1)
    await yard.until(lambda: yard.get(DATA) is None and not volumes(yard) and not folder.exists())


async def test_a_volume_that_is_retained_keeps_its_data_and_a_new_claim_begins_empty(yard: Yard) -> None:
    kept = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "kept"}}
    yard.put({**kept, "provisioner": "example.com/disks", "reclaimPolicy": "Retain"})
    yard.put(claim(storageClassName="kept"))
    await yard.until(lambda: phase(yard) == "Bound")
    (first,) = volumes(yard)
    delete(yard, DATA)
    await yard.until(lambda: phase(yard, Ref(*PERSISTENT_VOLUME, "", first["metadata"]["name"])) == "Released")
    yard.put(claim(storageClassName="kept"))
    await yard.until(lambda: phase(yard) == "Bound")
    paths = {volume["spec"]["hostPath"]["path"] for volume in volumes(yard)}
    assert len(paths) == 2


async def test_a_class_that_nobody_has_made_is_a_folder_all_the_same(yard: Yard) -> None:
    yard.put(claim(storageClassName="gp2"))
    await yard.until(lambda: phase(yard) == "Bound")
    assert [event["type"] for event in yard.events("StorageClassNotFound")] == ["Warning"]


async def test_a_claim_without_a_class_waits_for_a_volume_that_somebody_makes(yard: Yard) -> None:
    yard.put(claim(storageClassName=""))
    await yard.until(lambda: phase(yard) == "Pending" and yard.events("FailedBinding"))
    folder = yard.home.parent / f"{yard.home.name}-disk"
    spec = {"capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"]}
    yard.put(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "disk"},
            "spec": {**spec, "hostPath": {"path": str(folder), "type": "DirectoryOrCreate"}},
        }
    )
    await yard.until(lambda: phase(yard) == "Bound")
    ref = yard.put(pod("db", *FOREVER, spec=OF_CLAIM, **MOUNTED))
    await yard.until(lambda: yard.ready(ref))
    assert folder.is_dir()
    yard.end(ref, 1)
    delete(yard, DATA)
    await yard.until(lambda: phase(yard, Ref(*PERSISTENT_VOLUME, "", "disk")) == "Released")
    assert folder.is_dir(), "what the mesh has not made it does not remove"


async def test_with_wait_for_first_consumer_a_volume_is_made_when_a_pod_wants_it(yard: Yard) -> None:
    late = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"}}
    yard.put({**late, "provisioner": "example.com/disks", "volumeBindingMode": "WaitForFirstConsumer"})
    yard.put(claim(storageClassName="late"))
    await yard.until(lambda: yard.events("WaitForFirstConsumer"))
    assert not volumes(yard)
    ref = yard.put(pod("db", *FOREVER, spec=OF_CLAIM, **MOUNTED))
    await yard.until(lambda: yard.ready(ref))
    assert phase(yard) == "Bound"


async def test_a_claim_that_grows_makes_its_volume_grow(yard: Yard) -> None:
    yard.put(claim())
    await yard.until(lambda: phase(yard) == "Bound")
    yard.change(DATA, lambda body: body["spec"]["resources"]["requests"].update(storage="3Gi"))
    await yard.until(lambda: ((yard.get(DATA) or {}).get("status") or {}).get("capacity") == {"storage": "3Gi"})
    assert volumes(yard)[0]["spec"]["capacity"] == {"storage": "3Gi"}


async def test_the_mesh_has_a_default_class(yard: Yard) -> None:
    stored = yard.get(Ref(*STORAGE_CLASS, "", "standard"))
    assert stored is not None
    assert stored["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
