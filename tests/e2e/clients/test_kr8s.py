"""kr8s against the mesh's API: list, watch, patch, logs, scale, wait."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import kr8s
import pytest
from kr8s.asyncio.objects import ConfigMap, Deployment

from tests.support.mesh import Mesh


@pytest.fixture
async def api(mall: Mesh) -> AsyncIterator[Any]:
    made = await kr8s.asyncio.api(kubeconfig=str(mall.home / "kubeconfig"), namespace="mesh")
    yield made
    # kr8s keeps its connections for ever.
    if made._session is not None:
        await made._session.aclose()


async def test_lists_and_reads_logs(api: Any) -> None:
    pods = [pod async for pod in api.get("pods", label_selector={"app": "mall"})]
    assert [pod.status.phase for pod in pods] == ["Running"]
    assert await pods[0].ready()
    assert any(["listening" in line async for line in pods[0].logs()])


async def test_creates_patches_watches_and_deletes(api: Any) -> None:
    body = {"metadata": {"name": "kr8s", "namespace": "mesh"}, "data": {"a": "1"}}
    made = await ConfigMap({"apiVersion": "v1", "kind": "ConfigMap", **body}, api=api)
    await made.create()
    await made.patch({"data": {"b": "2"}})
    assert dict(made.data) == {"a": "1", "b": "2"}
    seen = []
    async with asyncio.timeout(20):
        async for kind, each in api.watch("configmaps", namespace="mesh"):
            if each.name == "kr8s":
                seen.append(kind)
                if kind == "ADDED":
                    await made.delete()
                if kind == "DELETED":
                    break
    assert seen == ["ADDED", "DELETED"]
    assert not await made.exists()


async def test_scales_and_waits(api: Any) -> None:
    deployment = await Deployment.get("scores-v1", namespace="mesh", api=api)
    await deployment.scale(2)
    await deployment.wait("condition=Available", timeout=30)
    await deployment.scale(1)
    await deployment.refresh()
    assert deployment.replicas == 1
