"""What a branch copies of a store, and what runs on the copies."""

from mesh.branches.data.stores import claim_body, command_of, identity_of, pods_of, store_body, store_copy, users_of
from mesh.resources.meshmall.branch import HOSTNAME_ANNOTATION, Branch
from tests.support.branches import stored_branch
from tests.support.stores import CLAIM_SPEC, deployment, lone_pod, stateful_set

CLAIMED = {"name": "data", "persistentVolumeClaim": {"claimName": "files"}}


def kim(name: str = "postgres", **store: object) -> Branch:
    return stored_branch("kim", data={name: store})


def test_every_ordinal_of_a_stateful_set_is_copied() -> None:
    copy = store_copy(kim(), "postgres", stateful_set(replicas=3), {}, [])
    assert [(volume.source_claim, volume.claim) for volume in copy.volumes] == [
        (f"data-postgres-{number}", f"data-postgres-kim-{number}") for number in range(3)
    ]
    assert copy.replicas == 3
    body = store_body(kim(), "postgres", stateful_set(replicas=3), copy.replicas)
    assert (body["kind"], body["metadata"]["name"], body["spec"]["replicas"]) == ("StatefulSet", "postgres-kim", 3)
    assert [claim["metadata"]["name"] for claim in body["spec"]["volumeClaimTemplates"]] == ["data"]
    # RabbitMQ looks for its data under the host name.
    assert body["spec"]["template"]["metadata"]["annotations"][HOSTNAME_ANNOTATION] == "postgres"


def test_a_claim_says_what_a_cluster_would_clone() -> None:
    copy = store_copy(kim(), "postgres", stateful_set(), {}, [])
    body = claim_body(kim(), copy, copy.volumes[0], "pvc-1")
    assert body["spec"]["dataSource"] == {"kind": "PersistentVolumeClaim", "name": "data-postgres-0"}
    assert body["spec"]["resources"] == CLAIM_SPEC["resources"]
    assert body["metadata"]["ownerReferences"][0]["uid"] == "uid-kim"
    empty = kim(**{"from": "empty"})
    assert "dataSource" not in claim_body(empty, copy, copy.volumes[0], "pvc-1")["spec"]


def test_a_deployment_gets_a_claim_for_its_claim() -> None:
    source = deployment("files", CLAIMED, {"name": "cache", "emptyDir": {}})
    copy = store_copy(kim("files"), "files", source, {"files": CLAIM_SPEC}, [])
    # The cache is no data: a pod that starts again begins without it, too.
    assert [(volume.source_claim, volume.claim, volume.spec) for volume in copy.volumes] == [
        ("files", "data-files-kim", CLAIM_SPEC)
    ]
    volumes = store_body(kim("files"), "files", source, 1)["spec"]["template"]["spec"]["volumes"]
    assert volumes[0] == {"name": "data", "persistentVolumeClaim": {"claimName": "data-files-kim"}}
    assert volumes[1]["name"] == "cache"


def test_an_empty_dir_is_data_where_there_is_no_claim() -> None:
    source = deployment("files")
    copy = store_copy(kim("files"), "files", source, {}, [lone_pod("files-x")])
    assert [(volume.pod, volume.claim) for volume in copy.volumes] == [("files-x", "data-files-kim")]


def test_a_pod_becomes_a_deployment_with_its_host_name() -> None:
    body = store_body(kim("files"), "files", lone_pod("files", CLAIMED), 1)
    assert body["kind"] == "Deployment"
    spec = body["spec"]["template"]["spec"]
    assert (spec["hostname"], spec["restartPolicy"]) == ("files", "Always")


def test_the_forks_differences_hold_for_a_store() -> None:
    branch = stored_branch("kim", data={"postgres": {}}, services={"postgres": {"fork": {"image": "postgres:16"}}})
    body = store_body(branch, "postgres", stateful_set(), 1)
    assert body["spec"]["template"]["spec"]["containers"][0]["image"] == "postgres:16"


def test_another_source_or_a_reset_is_another_copy() -> None:
    identities = {
        identity_of(kim(), "postgres"),
        identity_of(kim(**{"from": "empty"}), "postgres"),
        identity_of(kim(volumes=["data"]), "postgres"),
    }
    assert len(identities) == 3
    # What runs beside the data changes nothing about it.
    assert identity_of(kim(clients=["orders"], after=["true"]), "postgres") == identity_of(kim(), "postgres")


def test_an_annotation_is_a_default_for_a_command() -> None:
    source = stateful_set(
        annotations={"meshmall.dev/data-before": "redis-cli save", "meshmall.dev/data-after": '["a", "b c"]'}
    )
    store = kim().spec.data["postgres"]
    assert command_of(store, source, "before") == ["sh", "-c", "redis-cli save"]
    assert command_of(store, source, "after") == ["a", "b c"]
    assert command_of(kim(before=["true"]).spec.data["postgres"], source, "before") == ["true"]
    assert command_of(kim(before=[]).spec.data["postgres"], source, "before") == []


def test_pods_that_share_the_claim_stand_still_too() -> None:
    own, reader, other = lone_pod("files", CLAIMED), lone_pod("reader", CLAIMED), lone_pod("other")
    assert pods_of(own, [own, reader, other]) == [own]
    assert users_of(["files"], "mesh", [own, reader, other]) == [own, reader]
