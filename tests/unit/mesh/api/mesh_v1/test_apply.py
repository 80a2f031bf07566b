"""The mesh's own paths, through the client that the command line uses."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from mesh.api.mesh_v1 import apply
from mesh.api.objects.served import ServedKinds
from mesh.client.api import Client
from mesh.client.errors import ApiError
from mesh.resources.registry import Registry
from mesh.resources.validation import manifest
from mesh.resources.values.ref import Ref
from mesh.store import Put
from tests.support.api import Api, Rejection
from tests.support.manifests import config, deployment, destination_rule, namespace, service, virtual_service

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CONFIGS = "/api/v1/namespaces/mesh/configmaps"


def ref(name: str, kind: str = "ConfigMap", group: str = "") -> Ref:
    return Ref(group, kind, "mesh", name)


async def test_objects_are_applied_as_one_change_and_told_apart(api: Api) -> None:
    client = api.client()
    objects = [config("a"), service("products"), virtual_service("products", "v1"), destination_rule("products", "v1")]
    first = await api.run(client.apply, objects, namespace="mesh")
    assert [(str(result.ref), result.result) for result in first.results] == [
        ("ConfigMap mesh/a", "created"),
        ("Service mesh/products", "created"),
        ("VirtualService mesh/products", "created"),
        ("DestinationRule mesh/products", "created"),
    ]
    assert first.version == api.store.version
    again = await api.run(client.apply, [*objects[1:], config("a", "2")], namespace="mesh")
    assert [result.result for result in again.results] == ["unchanged"] * 3 + ["configured"]
    assert again.version == first.version + 1


async def test_nothing_is_stored_when_one_object_is_wrong_and_all_errors_are_told(api: Api) -> None:
    wrong = deployment("mall")
    wrong["spec"]["replicaz"] = 2
    version = api.store.version
    with pytest.raises(ApiError) as caught:
        await api.run(api.client().apply, [config("a"), wrong, config("B?")], namespace="mesh")
    assert caught.value.status == 422
    assert len(caught.value.causes) == 2
    assert caught.value.causes[0].startswith("Deployment mesh/mall: spec.replicaz:")
    assert "replicas" in caught.value.causes[0]
    assert caught.value.causes[1].startswith("ConfigMap mesh/B?: metadata.name:")
    assert api.store.version == version
    answer = await api.ask("POST", "/mesh/v1/apply", {"objects": [config("a"), wrong]})
    assert answer.body["details"]["causes"][0]["field"] == "objects[1].spec.replicaz"


async def test_a_subset_that_is_not_there_is_refused_whatever_the_order(api: Api) -> None:
    objects = [service("products"), virtual_service("products", "v3"), destination_rule("products", "v1", "v2")]
    with pytest.raises(ApiError) as caught:
        await api.run(api.client().apply, objects, namespace="mesh")
    assert caught.value.causes == (
        'VirtualService mesh/products: spec.http[0].route[0].destination.subset: "v3" is not a subset of '
        "DestinationRule mesh/products (it has v1, v2)",
    )


async def test_taking_away_a_subset_that_a_rule_uses_is_refused(api: Api) -> None:
    objects = [service("products"), virtual_service("products", "v1"), destination_rule("products", "v1")]
    await api.run(api.client().apply, objects, namespace="mesh")
    with pytest.raises(ApiError, match='"v1" is not a subset'):
        await api.run(api.client().apply, [destination_rule("products", "v2")], namespace="mesh")


async def test_a_missing_namespace_is_made_and_told(api: Api) -> None:
    done = await api.run(api.client().apply, [config("a")], namespace="other")
    assert [(str(result.ref), result.result) for result in done.results] == [
        ("Namespace other", "created"),
        ("ConfigMap other/a", "created"),
    ]
    with_it = [{**config("b"), "metadata": {"name": "b", "namespace": "own"}}, namespace("own")]
    done = await api.run(api.client().apply, with_it)
    assert [str(result.ref) for result in done.results] == ["ConfigMap own/b", "Namespace own"]


async def test_a_dry_run_tells_and_stores_nothing(api: Api) -> None:
    await api.run(api.client().apply, [config("a")], namespace="mesh")
    version = api.store.version
    objects = [config("a"), config("b"), service("s", type="NodePort")]
    done = await api.run(api.client().apply, objects, namespace="mesh", dry_run=True)
    assert [result.result for result in done.results] == ["unchanged", "created", "created"]
    assert api.store.version == version


async def test_apply_takes_away_what_it_had_set_and_leaves_what_others_set(api: Api) -> None:
    client = api.client()
    await api.run(client.apply, [deployment("mall", A="1", B="2")], namespace="mesh")
    patch = {
        "spec": {
            "replicas": 3,
            "template": {"spec": {"containers": [{"name": "main", "env": [{"name": "C", "value": "9"}]}]}},
        }
    }
    path = "/apis/apps/v1/namespaces/mesh/deployments/mall"
    await api.ask("PATCH", path, patch, content_type="application/strategic-merge-patch+json")
    await api.run(client.apply, [deployment("mall", A="5")], namespace="mesh")
    body = await api.run(client.get, ref("mall", "Deployment", "apps"))
    (container,) = body["spec"]["template"]["spec"]["containers"]
    assert {item["name"]: item["value"] for item in container["env"]} == {"A": "5", "C": "9"}
    assert body["spec"]["replicas"] == 3
    assert '"name":"mall"' in body["metadata"]["annotations"][LAST_APPLIED]


async def test_a_service_keeps_its_address_and_ports_when_it_is_applied_again(api: Api) -> None:
    client = api.client()
    await api.run(client.apply, [service("mall", type="NodePort")], namespace="mesh")
    before = api.store.get(ref("mall", "Service"))
    done = await api.run(client.apply, [service("mall", type="NodePort")], namespace="mesh")
    assert done.results[0].result == "unchanged"
    assert api.store.get(ref("mall", "Service")) is before


async def test_two_services_of_one_change_do_not_get_the_same_node_port(api: Api) -> None:
    ports = [{"port": 7000, "nodePort": 31999}]
    objects = [service("a", type="NodePort", ports=ports), service("b", type="NodePort", ports=ports)]
    with pytest.raises(ApiError, match="31999 is taken by Service mesh/"):
        await api.run(api.client().apply, objects, namespace="mesh")


async def test_an_object_that_stands_twice_is_refused(api: Api) -> None:
    with pytest.raises(ApiError, match="duplicate"):
        await api.run(api.client().apply, [config("a"), config("a", "2")], namespace="mesh")


async def test_deleting_is_one_change_and_tells_what_was_not_there(api: Api) -> None:
    client = api.client()
    await api.run(client.apply, [config("a"), config("b")], namespace="mesh")
    done = await api.run(client.delete, [ref("a"), ref("nothing"), ref("b")])
    assert [result.result for result in done.results] == ["deleted", "not found", "deleted"]
    assert {configmap.ref.name for configmap in api.store.list("", "ConfigMap")} == {"kube-root-ca.crt"}
    with pytest.raises(ApiError, match='there is no kind "Thing"'):
        await api.run(client.delete, [Ref("", "Thing", "mesh", "a")])


async def test_a_deleted_deployments_pods_are_marked_with_the_grace_asked_for(api: Api) -> None:
    client = api.client()
    await api.run(client.apply, [deployment("mall")], namespace="mesh")
    owner = api.store.get(ref("mall", "Deployment", "apps"))
    assert owner is not None
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mall", "uid": owner.uid}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"ownerReferences": [reference]}, "spec": {"containers": []}}
    api.store.commit([Put(ref("mall-x", "Pod"), pod)])
    await api.run(client.delete, [owner.ref], grace=3)
    marked = await api.run(client.get, ref("mall-x", "Pod"))
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 3
    assert marked["metadata"]["deletionTimestamp"]


async def test_sync_gives_envoys_answer(api: Api) -> None:
    client = api.client()
    done = await api.run(client.sync, api.store.version)
    assert (done.version, done.milliseconds, done.rejected) == (api.store.version, 1.5, ())
    origin = ref("x", "VirtualService", "networking.istio.io")
    api.plane.rejected = [Rejection("route mesh", (origin,), "no such cluster")]
    (rejected,) = (await api.run(client.sync, api.store.version)).rejected
    assert (rejected.resource, rejected.origins, rejected.reason) == ("route mesh", (origin,), "no such cluster")
    api.plane.silent = True
    with pytest.raises(ApiError, match="Envoy has not acknowledged") as caught:
        await api.run(client.sync, api.store.version, timeout=1)
    assert caught.value.status == 504
    with pytest.raises(ApiError, match="is not reached"):
        await api.run(client.sync, api.store.version + 100)


async def test_status_is_what_the_daemon_says(api: Api) -> None:
    status = await api.run(api.client().status)
    assert status["pid"] == 1
    assert ["", "Namespace"] in status["kinds"]
    assert ["apps", "Deployment"] not in status["kinds"]


async def test_the_client_gets_lists_and_watches(api: Api) -> None:
    client = api.client()
    await api.run(client.apply, [config("a", labels={"x": "1"}), config("b")], namespace="mesh")
    assert (await api.run(client.get, ref("a")))["data"] == {"k": "1"}
    listed = await api.run(client.list, "", "ConfigMap", None)
    assert {body["metadata"]["name"] for body in listed} == {"a", "b", "kube-root-ca.crt"}
    (found,) = await api.run(client.list, "", "ConfigMap", "mesh", selector="x=1")
    assert found["metadata"]["name"] == "a"
    with pytest.raises(ApiError, match='configmaps "z" not found') as caught:
        await api.run(client.get, ref("z"))
    assert caught.value.status == 404
    events = client.watch("", "ConfigMap", "mesh")
    first = await api.run(next, events)
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
    await api.run(events.close)


async def test_the_client_reads_and_follows_logs(api: Api) -> None:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "main"}]}}
    api.store.commit([Put(ref("p", "Pod"), body)])
    client = api.client()
    chunks = await api.run(list, client.logs("mesh", "p", tail=5, timestamps=True))
    assert b"".join(chunks) == b"mesh/p/main\n"
    assert (api.logs.asked["tail_lines"], api.logs.asked["timestamps"]) == (5, True)
    follow = client.logs("mesh", "p", follow=True)
    assert await api.run(next, follow) == b"mesh/p/main\n"
    api.logs.more.put_nowait(b"more\n")
    assert await api.run(next, follow) == b"more\n"
    await api.run(follow.close)
    await asyncio.wait_for(api.logs.left.wait(), 10)
    with pytest.raises(ApiError, match='previous terminated container "main"'):
        await api.run(list, client.logs("mesh", "p", previous=True))
    with pytest.raises(ApiError, match="container other is not valid for pod p; it has main"):
        await api.run(list, client.logs("mesh", "p", container="other"))
    with pytest.raises(ApiError, match='pods "q" not found'):
        await api.run(list, client.logs("mesh", "q"))


async def test_a_client_outlives_a_restart_of_the_server_and_says_when_nobody_answers(api: Api) -> None:
    client: Client = api.client()
    await api.run(client.status)
    await api.server.stop()
    with pytest.raises(ApiError, match=r"the mesh does not answer at 127\.0\.0\.1") as caught:
        await api.run(client.status)
    assert caught.value.status == 0
    client.close()


async def test_an_apply_identifies_its_objects_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    with_definitions, identify = ServedKinds.with_definitions, manifest.identify

    def counting_definitions(served: ServedKinds, bodies: Iterable[Mapping[str, Any]]) -> Registry:
        counted.append("with_definitions")
        return with_definitions(served, bodies)

    def counting_identify(*arguments: Any) -> manifest.Identity:
        counted.append("identify")
        return identify(*arguments)

    monkeypatch.setattr(ServedKinds, "with_definitions", counting_definitions)
    monkeypatch.setattr(manifest, "identify", counting_identify)
    monkeypatch.setattr(apply, "identify", counting_identify)
    await api.run(api.client().apply, [config("a"), config("b")], namespace="mesh")
    assert sorted(counted) == ["identify", "identify", "with_definitions"]


async def test_what_a_user_changed_stays_and_what_a_new_version_changes_arrives(api: Api) -> None:
    client = api.client()
    apps = Ref("apps", "Deployment", "mesh", "shop")

    async def up(body: dict[str, Any]) -> str:
        outcome = await api.run(client.apply, [body], namespace="mesh", keep_edits=True)
        return str(outcome.results[0].result)

    def of_version(number: int) -> dict[str, Any]:
        body = deployment("shop", VERSION=str(number), PLACE="here")
        body["spec"]["replicas"] = 1
        body["metadata"]["labels"] = {"version": str(number), "tier": "front"}
        return body

    def environment(body: dict[str, Any]) -> dict[str, str]:
        return {item["name"]: item["value"] for item in body["spec"]["template"]["spec"]["containers"][0]["env"]}

    assert await up(of_version(1)) == "created"
    assert await up(of_version(1)) == "unchanged"
    await api.run(client.patch, apps, {"spec": {"replicas": 3}, "metadata": {"labels": {"tier": None, "mine": "1"}}})
    live = await api.run(client.get, apps)
    container = live["spec"]["template"]["spec"]["containers"][0]
    edited = [{**item, "value": "there"} if item["name"] == "PLACE" else item for item in container["env"]]
    containers = [{**container, "env": edited}]
    await api.run(client.patch, apps, {"spec": {"template": {"spec": {"containers": containers}}}})
    assert await up(of_version(1)) == "unchanged"
    assert await up(of_version(2)) == "configured"
    for _ in range(2):
        after = await api.run(client.get, apps)
        assert after["spec"]["replicas"] == 3
        assert after["metadata"]["labels"] == {"version": "2", "mine": "1"}
        assert environment(after) == {"VERSION": "2", "PLACE": "there"}
        assert await up(of_version(2)) == "unchanged"
    # Also what was changed by an apply: its own mark stays, so that the next one removes what it no longer has.
    mine = of_version(2)
    mine["spec"]["replicas"] = 5
    mine["metadata"]["labels"]["applied"] = "1"
    await api.run(client.apply, [mine], namespace="mesh")
    assert await up(of_version(3)) == "configured"
    after = await api.run(client.get, apps)
    assert after["spec"]["replicas"] == 5
    assert after["metadata"]["labels"]["applied"] == "1"
    del mine["metadata"]["labels"]["applied"]
    await api.run(client.apply, [mine], namespace="mesh")
    assert "applied" not in (await api.run(client.get, apps))["metadata"]["labels"]
