"""A stock kubectl against the API, as far as it is at home here already."""

import asyncio
import json

import pytest

from mesh.resources.values.ref import Ref
from mesh.store import Put
from tests.support.api import KUBECTL, Api, Kubectl
from tests.support.manifests import config, deployment, destination_rule, service, virtual_service

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl on this machine")


async def test_create_get_and_delete(api: Api, kubectl: Kubectl) -> None:
    out = await kubectl("create", "--validate=false", "-f", kubectl.file(config("a"), deployment("mall")))
    assert out.splitlines() == ["configmap/a created", "deployment.apps/mall created"]
    body = json.loads(await kubectl("get", "configmap", "a", "-o", "json"))
    assert (body["metadata"]["namespace"], body["data"]) == ("mesh", {"k": "1"})
    own = "--field-selector=metadata.name!=kube-root-ca.crt"
    listed = json.loads(await kubectl("get", "deploy,cm", own, "-o", "json"))
    assert [item["kind"] for item in listed["items"]] == ["Deployment", "ConfigMap"]
    assert await kubectl("get", "vs", "-A", "-o", "name") == ""
    assert '"a" deleted' in await kubectl("delete", "configmap", "a")
    assert "NotFound" in await kubectl("get", "configmap", "a", fails=True)


async def test_apply_three_ways_and_mixed_with_our_own(api: Api, kubectl: Kubectl) -> None:
    file = kubectl.file(
        service("products"),
        virtual_service("products", "v1"),
        destination_rule("products", "v1"),
        deployment("mall", A="1", B="2"),
    )
    out = await kubectl("apply", "--validate=false", "-f", file)
    assert out.count("created") == 4
    assert "Warning: VirtualService mesh/products" in out
    assert (await kubectl("apply", "--validate=false", "-f", file)).count("unchanged") == 4
    done = await api.run(api.client().apply, [deployment("mall", A="5")], namespace="mesh")
    assert [result.result for result in done.results] == ["configured"]
    await kubectl("apply", "--validate=false", "-f", kubectl.file(deployment("mall", C="7")))
    body = json.loads(await kubectl("get", "deployment", "mall", "-o", "json"))
    (container,) = body["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "C", "value": "7"}]


async def test_scale_label_patch_and_annotate(api: Api, kubectl: Kubectl) -> None:
    await kubectl("create", "--validate=false", "-f", kubectl.file(deployment("mall")))
    await kubectl("scale", "deployment/mall", "--replicas=3")
    await kubectl("label", "deployment/mall", "tier=front")
    await kubectl("annotate", "deployment/mall", "note=hello")
    await kubectl("patch", "deployment/mall", "-p", '{"spec":{"minReadySeconds":2}}')
    await kubectl("set", "env", "deployment/mall", "X=1")
    body = json.loads(await kubectl("get", "deployment", "-l", "tier=front", "-o", "json"))["items"][0]
    assert (body["spec"]["replicas"], body["spec"]["minReadySeconds"]) == (3, 2)
    assert body["metadata"]["annotations"]["note"] == "hello"
    assert body["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "X", "value": "1"}]


async def test_logs(api: Api, kubectl: Kubectl) -> None:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "main"}]}}
    api.store.commit([Put(Ref("", "Pod", "mesh", "p"), body)])
    assert await kubectl("logs", "p", "--tail=3") == "mesh/p/main\n"


async def test_wait_for_a_deletion(api: Api, kubectl: Kubectl) -> None:
    await kubectl("create", "--validate=false", "-f", kubectl.file(config("a")))
    waiting = asyncio.create_task(kubectl("wait", "--for=delete", "configmap/a", "--timeout=30s"))
    await kubectl("delete", "configmap", "a")
    assert await waiting in ("", "configmap/a condition met\n")


async def test_what_is_wrong_is_told(api: Api, kubectl: Kubectl) -> None:
    wrong = deployment("mall")
    wrong["spec"]["replicaz"] = 1
    out = await kubectl("create", "--validate=strict", "-f", kubectl.file(wrong), fails=True)
    assert "spec.replicaz" in out
    assert api.store.list("apps", "Deployment") == []
