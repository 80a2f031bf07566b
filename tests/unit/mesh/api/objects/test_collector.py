"""A namespace that is deleted goes with the last of its pods, whatever is told of them meanwhile."""

import asyncio
from typing import Any

from mesh.resources.values.ref import Ref
from mesh.store import Delete, Put
from tests.support.api import Api
from tests.support.manifests import config

NAMESPACE = Ref("", "Namespace", "", "mesh")
POD = Ref("", "Pod", "mesh", "a")


async def test_events_about_its_ending_pods_do_not_keep_a_namespace(api: Api) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "main"}]}}
    api.store.commit([Put(POD, pod)])
    await api.ask("POST", "/api/v1/namespaces/mesh/configmaps", config("c"))
    await api.ask("DELETE", "/api/v1/namespaces/mesh")
    ending = api.store.get(NAMESPACE)
    assert ending is not None
    assert ending.body["status"]["phase"] == "Terminating"
    event: dict[str, Any] = {"apiVersion": "v1", "kind": "Event", "metadata": {}, "reason": "Killing"}
    api.store.commit([Put(Ref("", "Event", "mesh", "a.1"), event), Delete(POD)])
    async with asyncio.timeout(30):
        while api.store.get(NAMESPACE) is not None:  # noqa: ASYNC110 - the collector rings no bell
            await asyncio.sleep(0.005)
    assert list(api.store.everything("mesh")) == []
