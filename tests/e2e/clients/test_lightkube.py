"""lightkube against the mesh's API: typed objects, server-side apply, watch, logs."""

from collections.abc import Iterator
from typing import Any

import pytest
from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod

from tests.support.mesh import Mesh


@pytest.fixture
def client(mall: Mesh) -> Iterator[Any]:
    config = KubeConfig.from_file(mall.home / "kubeconfig")
    client: Any = Client(config=config, namespace="mesh", field_manager="lightkube-test")
    yield client
    client._client._client.close()  # it has no way of its own to close its connections


def test_lists_what_runs_and_reads_its_log(client: Any) -> None:
    (pod,) = client.list(Pod, labels={"app": "mall"})
    assert pod.status.phase == "Running"
    assert pod.status.containerStatuses[0].ready
    assert any("listening" in line for line in client.log(pod.metadata.name))


def test_applies_patches_watches_and_deletes(client: Any) -> None:
    wish = ConfigMap(metadata=ObjectMeta(name="lightkube"), data={"a": "1"})
    wish.apiVersion, wish.kind = "v1", "ConfigMap"
    applied = client.apply(wish)
    assert applied.metadata.managedFields[0].manager == "lightkube-test"
    assert client.patch(ConfigMap, "lightkube", {"data": {"b": "2"}}).data == {"a": "1", "b": "2"}
    seen = []
    for kind, config_map in client.watch(ConfigMap, resource_version=applied.metadata.resourceVersion):
        if config_map.metadata.name == "lightkube":
            seen.append(kind)
            if kind == "MODIFIED":
                client.delete(ConfigMap, "lightkube")
            if kind == "DELETED":
                break
    assert seen == ["MODIFIED", "DELETED"]
    with pytest.raises(ApiError) as missing:
        client.get(ConfigMap, "lightkube")
    assert (missing.value.status.code, missing.value.status.reason) == (404, "NotFound")


def test_scales_and_waits(client: Any) -> None:
    scale = client.get(Deployment.Scale, "stock-v1")
    scale.spec.replicas = 2
    client.replace(scale, "stock-v1")
    client.wait(Deployment, "stock-v1", for_conditions=["Available"])
    scale = client.get(Deployment.Scale, "stock-v1")
    scale.spec.replicas = 1
    assert client.replace(scale, "stock-v1").spec.replicas == 1
