"""kubernetes_asyncio against the mesh's API: list, watch, server-side apply, logs, and exec over its WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes_asyncio import client as typed_client
from kubernetes_asyncio import config as typed_config
from kubernetes_asyncio import watch as typed_watch
from kubernetes_asyncio.stream import WsApiClient

from tests.support.mesh import Mesh

# Its types make everything optional.
client: Any = typed_client
config: Any = typed_config
watch: Any = typed_watch


@pytest.fixture
async def api(mall: Mesh) -> AsyncIterator[Any]:
    async with await config.new_client_from_config(str(mall.home / "kubeconfig")) as api:
        yield api


async def test_lists_what_runs_and_follows_its_log(api: Any) -> None:
    core = client.CoreV1Api(api)
    (pod,) = (await core.list_namespaced_pod("mesh", label_selector="app=mall")).items
    assert pod.status.phase == "Running"
    assert "listening" in await core.read_namespaced_pod_log(pod.metadata.name, "mesh")


async def test_creates_applies_watches_and_deletes(api: Any) -> None:
    core = client.CoreV1Api(api)
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="asyncio"), data={"a": "1"})
    created = await core.create_namespaced_config_map("mesh", body)
    change = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "asyncio"}, "data": {"b": "2"}}
    applied = await core.patch_namespaced_config_map(
        "asyncio", "mesh", change, field_manager="test", _content_type="application/apply-patch+yaml"
    )
    assert applied.data == {"a": "1", "b": "2"}
    seen = []
    async with asyncio.timeout(60), watch.Watch() as events:
        stream = events.stream(
            core.list_namespaced_config_map, "mesh", resource_version=created.metadata.resource_version
        )
        async for event in stream:
            if event["object"].metadata.name == "asyncio":
                seen.append(event["type"])
                if event["type"] == "MODIFIED":
                    await core.delete_namespaced_config_map("asyncio", "mesh")
                if event["type"] == "DELETED":
                    break
    assert seen == ["MODIFIED", "DELETED"]


async def test_runs_a_command_in_a_pod(mall: Mesh, api: Any) -> None:
    core = client.CoreV1Api(api)
    (pod,) = (await core.list_namespaced_pod("mesh", label_selector="app=mall")).items
    configuration = client.Configuration()
    await config.load_kube_config(str(mall.home / "kubeconfig"), client_configuration=configuration)
    async with WsApiClient(configuration) as sockets:
        answer = await client.CoreV1Api(sockets).connect_get_namespaced_pod_exec(
            pod.metadata.name,
            "mesh",
            command=["sh", "-c", "echo $VERSION"],
            stderr=True,
            stdin=False,
            stdout=True,
            tty=False,
        )
    assert answer == "v1\n"
