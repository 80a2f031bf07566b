"""StatefulSets with real processes: names, order, claims, updates, rollbacks."""

from typing import Any

from mesh.resources.values.ref import PERSISTENT_VOLUME_CLAIM, STATEFUL_SET, Ref
from tests.support.yard import Yard, deployment, shell

FOREVER = shell("exec sleep 600")
STORE = Ref(*STATEFUL_SET, "mesh", "store")


def stateful_set(replicas: int, *command: str, spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A StatefulSet `store` with a claim `data` for each pod."""
    body: dict[str, Any] = deployment("store", replicas, *(command or FOREVER), **more)
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    body["kind"] = "StatefulSet"
    body["spec"] |= {"serviceName": "store", "volumeClaimTemplates": [claim], **(spec or {})}
    return body


def status(yard: Yard) -> dict[str, Any]:
    return (yard.get(STORE) or {}).get("status") or {}


def names(yard: Yard) -> list[str]:
    return [pod.ref.name for pod in yard.pods()]


def uids(yard: Yard) -> dict[str, str]:
    return {pod.ref.name: pod.uid for pod in yard.pods()}


async def test_pods_have_names_hosts_and_claims_of_their_own(yard: Yard) -> None:
    yard.put(stateful_set(2, volumeMounts=[{"name": "data", "mountPath": "/data"}]))
    await yard.until(lambda: status(yard).get("readyReplicas") == 2)
    assert names(yard) == ["store-0", "store-1"]
    pod = yard.pods()[1].body
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("store-1", "store")
    assert pod["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-store-1"}}]
    labels = pod["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "store-1"
    assert labels["apps.kubernetes.io/pod-index"] == "1"
    assert labels["controller-revision-hash"] == status(yard)["updateRevision"] == status(yard)["currentRevision"]
    for number in range(2):
        claim = yard.get(Ref(*PERSISTENT_VOLUME_CLAIM, "mesh", f"data-store-{number}"))
        assert claim is not None
        assert claim["status"]["phase"] == "Bound"
        assert (yard.home / "claims" / "mesh" / f"data-store-{number}").is_dir()
    assert status(yard) == {
        "observedGeneration": 1,
        "replicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "currentReplicas": 2,
        "updatedReplicas": 2,
        "currentRevision": labels["controller-revision-hash"],
        "updateRevision": labels["controller-revision-hash"],
        "collisionCount": 0,
    }


async def test_a_pod_that_is_deleted_comes_back_under_its_name_with_its_data(yard: Yard) -> None:
    write = shell("""
        echo $HOSTNAME >>$MESHMALL_VOLUME_DATA/starts
        exec sleep 600
    """)
    yard.put(stateful_set(1, *write, volumeMounts=[{"name": "data", "mountPath": "/data"}]))
    await yard.until(lambda: status(yard).get("readyReplicas") == 1)
    before = uids(yard)["store-0"]
    yard.end(Ref("", "Pod", "mesh", "store-0"), 1)
    await yard.until(lambda: status(yard).get("readyReplicas") == 1 and uids(yard).get("store-0") != before)
    starts = yard.home / "claims" / "mesh" / "data-store-0" / "starts"
    await yard.until(lambda: starts.read_text() == "store-0\nstore-0\n")


async def test_a_pod_waits_until_the_one_before_it_is_ready(yard: Yard) -> None:
    gate = yard.home / "open"
    probe = {"exec": {"command": ["test", "-e", str(gate)]}, "periodSeconds": 1}
    yard.put(stateful_set(3, readinessProbe=probe))
    await yard.until(lambda: [pod for pod in yard.pods() if yard.phase(pod.ref) == "Running"])
    await yard.manager.idle()
    assert names(yard) == ["store-0"]
    gate.touch()
    await yard.until(lambda: status(yard).get("readyReplicas") == 3)
    assert names(yard) == ["store-0", "store-1", "store-2"]


async def test_scaling_down_keeps_the_claims_and_scaling_up_finds_them(yard: Yard) -> None:
    yard.put(stateful_set(2, volumeMounts=[{"name": "data", "mountPath": "/data"}]))
    await yard.until(lambda: status(yard).get("readyReplicas") == 2)
    (yard.home / "claims" / "mesh" / "data-store-1" / "row").touch()
    yard.change(STORE, lambda body: body["spec"].update(replicas=1))
    await yard.until(lambda: names(yard) == ["store-0"])
    assert yard.get(Ref(*PERSISTENT_VOLUME_CLAIM, "mesh", "data-store-1")) is not None
    yard.change(STORE, lambda body: body["spec"].update(replicas=2))
    await yard.until(lambda: status(yard).get("readyReplicas") == 2)
    assert (yard.home / "claims" / "mesh" / "data-store-1" / "row").exists()


async def test_an_update_replaces_the_last_pod_first_and_a_rollback_is_the_former_revision(yard: Yard) -> None:
    yard.put(stateful_set(2, spec={"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}))
    await yard.until(lambda: status(yard).get("readyReplicas") == 2)
    first, before = status(yard)["currentRevision"], uids(yard)

    def recolour(colour: str, partition: int) -> None:
        def change(body: dict[str, Any]) -> None:
            body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "COLOUR", "value": colour}]
            body["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = partition

        yard.change(STORE, change)

    recolour("blue", 1)
    await yard.until(lambda: status(yard).get("updatedReplicas") == 1 and status(yard).get("readyReplicas") == 2)
    assert uids(yard)["store-0"] == before["store-0"]
    assert uids(yard)["store-1"] != before["store-1"]
    assert (status(yard)["currentRevision"], status(yard)["currentReplicas"]) == (first, 1)
    recolour("blue", 0)
    await yard.until(lambda: status(yard).get("currentRevision") == status(yard)["updateRevision"] != first)
    assert uids(yard)["store-0"] != before["store-0"]
    revisions = yard.store.list("apps", "ControllerRevision", "mesh")
    assert sorted(one.body["revision"] for one in revisions) == [1, 2]
    yard.change(STORE, lambda body: body["spec"]["template"]["spec"]["containers"][0].pop("env"))
    await yard.until(lambda: status(yard).get("currentRevision") == first and status(yard).get("updatedReplicas") == 2)
    revisions = yard.store.list("apps", "ControllerRevision", "mesh")
    assert {one.ref.name: one.body["revision"] for one in revisions}[first] == 3


async def test_deleting_the_set_ends_its_pods_and_keeps_its_claims(yard: Yard) -> None:
    yard.put(stateful_set(1))
    await yard.until(lambda: status(yard).get("readyReplicas") == 1)
    yard.delete(STORE)
    await yard.until(lambda: not yard.pods() and not yard.store.list("apps", "ControllerRevision", "mesh"))
    assert yard.get(Ref(*PERSISTENT_VOLUME_CLAIM, "mesh", "data-store-0")) is not None


async def test_a_retention_policy_makes_claims_go_with_the_set_or_with_their_pod(yard: Yard) -> None:
    def owners(number: int) -> list[tuple[str, str]]:
        claim = yard.get(Ref(*PERSISTENT_VOLUME_CLAIM, "mesh", f"data-store-{number}")) or {"metadata": {}}
        return [(owner["kind"], owner["name"]) for owner in claim["metadata"].get("ownerReferences") or ()]

    retention = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    yard.put(stateful_set(2, spec={"persistentVolumeClaimRetentionPolicy": retention}))
    await yard.until(lambda: status(yard).get("readyReplicas") == 2)
    await yard.until(lambda: owners(0) == owners(1) == [("StatefulSet", "store")])
    yard.change(STORE, lambda body: body["spec"].update(replicas=1))
    await yard.until(lambda: owners(1) == [("Pod", "store-1")])
    assert owners(0) == [("StatefulSet", "store")]
