"""The official Python client against the mesh's API: list, watch, patch, logs, create and delete."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client as typed_client
from kubernetes import config as typed_config
from kubernetes import watch as typed_watch
from kubernetes.client.exceptions import ApiException

from tests.support.mesh import Mesh
from tests.support.waiting import until


@pytest.fixture
def api(mall: Mesh) -> Iterator[Any]:
    made = config.new_client_from_config(str(mall.home / "kubeconfig"))
    with made:
        yield made


# Its types make everything optional: a test that asks for what is there reads better without them.
client: Any = typed_client
config: Any = typed_config
watch: Any = typed_watch


def config_map(name: str, **data: str) -> Any:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"test": name}), data=data)


def test_lists_what_runs(api: Any) -> None:
    pods = client.CoreV1Api(api).list_namespaced_pod("mesh", label_selector="app=mall")
    assert [pod.status.phase for pod in pods.items] == ["Running"]
    status = pods.items[0].status.container_statuses[0]
    assert status.ready
    assert status.state.running.started_at is not None
    deployments = client.AppsV1Api(api).list_namespaced_deployment("mesh").items
    assert {deployment.metadata.name for deployment in deployments} >= {"mall-v1", "users-v1"}
    page = client.CoreV1Api(api).list_namespaced_service("mesh", limit=3)
    rest = client.CoreV1Api(api).list_namespaced_service("mesh", limit=100, _continue=page.metadata._continue)
    assert len(page.items) == 3
    assert len(rest.items) == 5


def test_creates_patches_replaces_and_deletes(api: Any) -> None:
    core = client.CoreV1Api(api)
    made = core.create_namespaced_config_map("mesh", config_map("made", a="1"))
    assert made.metadata.uid
    with pytest.raises(ApiException) as there:
        core.create_namespaced_config_map("mesh", config_map("made"))
    assert there.value.status == 409
    assert core.patch_namespaced_config_map("made", "mesh", {"data": {"b": "2"}}).data == {"a": "1", "b": "2"}
    made.data = {"c": "3"}
    with pytest.raises(ApiException) as stale:
        core.replace_namespaced_config_map("made", "mesh", made)
    assert stale.value.status == 409
    core.delete_namespaced_config_map("made", "mesh")
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_config_map("made", "mesh")
    assert gone.value.status == 404


def test_watches_from_a_version_on(api: Any) -> None:
    core = client.CoreV1Api(api)
    version = core.list_namespaced_config_map("mesh").metadata.resource_version
    core.create_namespaced_config_map("mesh", config_map("watched", a="1"))
    core.patch_namespaced_config_map("watched", "mesh", {"data": {"a": "2"}})
    core.delete_namespaced_config_map("watched", "mesh")
    seen = []
    stream = watch.Watch()
    for event in stream.stream(
        core.list_namespaced_config_map, "mesh", resource_version=version, label_selector="test=watched"
    ):
        seen.append((event["type"], event["object"].data))
        if event["type"] == "DELETED":
            stream.stop()
    assert seen == [("ADDED", {"a": "1"}), ("MODIFIED", {"a": "2"}), ("DELETED", {"a": "2"})]


def test_reads_and_follows_logs(api: Any) -> None:
    core = client.CoreV1Api(api)
    name = core.list_namespaced_pod("mesh", label_selector="app=stock").items[0].metadata.name
    assert "listening" in core.read_namespaced_pod_log(name, "mesh", tail_lines=5)
    lines = watch.Watch().stream(core.read_namespaced_pod_log, name, "mesh", follow=True)
    assert '"message":"' in next(lines)
    lines.close()


def test_scales_and_waits(api: Any) -> None:
    apps = client.AppsV1Api(api)
    apps.patch_namespaced_deployment_scale("stock-v1", "mesh", {"spec": {"replicas": 2}})
    until(lambda: apps.read_namespaced_deployment("stock-v1", "mesh").status.ready_replicas == 2)
    apps.patch_namespaced_deployment_scale("stock-v1", "mesh", {"spec": {"replicas": 1}})
    until(lambda: apps.read_namespaced_deployment("stock-v1", "mesh").status.replicas == 1)


def test_knows_rules_and_branches_as_custom_objects(api: Any) -> None:
    custom = client.CustomObjectsApi(api)
    rules = custom.list_namespaced_custom_object("networking.istio.io", "v1", "mesh", "virtualservices")
    assert "mall-gateway" in {item["metadata"]["name"] for item in rules["items"]}
    body = {
        "apiVersion": "meshmall.dev/v1",
        "kind": "Branch",
        "metadata": {"name": "client"},
        "spec": {"services": {"stock": {"version": "v1"}}},
    }
    custom.create_namespaced_custom_object("meshmall.dev", "v1", "mesh", "branches", body)

    def phase() -> Any:
        found = custom.get_namespaced_custom_object("meshmall.dev", "v1", "mesh", "branches", "client")
        return found.get("status", {}).get("phase")

    until(lambda: phase() == "Ready")
    custom.delete_namespaced_custom_object("meshmall.dev", "v1", "mesh", "branches", "client")
