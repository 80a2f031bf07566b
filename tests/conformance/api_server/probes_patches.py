"""Patches: JSON, merge, strategic merge; and which writes change version and generation."""

from typing import Any

from tests.conformance.api_server.probes import CONFIG_MAPS, CORE, DEPLOYMENTS, Probes, config_map, deployment
from tests.conformance.api_server.world import World

probes = Probes()


@probes("patch_json")
async def json_patches(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("p1"))
    path = f"{CONFIG_MAPS}/p1"
    patches: list[Any] = [
        [{"op": "add", "path": "/data/k", "value": "v"}],
        [{"op": "replace", "path": "/data/nope", "value": "v"}],
        [{"op": "remove", "path": "/data/nope"}],
        [{"op": "test", "path": "/data/a", "value": "zz"}],
        [{"op": "test", "path": "/data/a", "value": "b"}, {"op": "copy", "from": "/data/a", "path": "/data/n"}],
        [{"op": "move", "from": "/data/a", "path": "/data/m"}],
        [{"op": "add", "path": "/metadata/labels", "value": {"x": "1", "a/b": "z"}}],
        [{"op": "foo", "path": "/data"}],
        {"op": "add"},
        [{"op": "add", "path": "/foo", "value": 1}],
        [{"op": "add", "path": "/data/x", "value": 1}],
        [{"op": "replace", "path": "/metadata/name", "value": "zz"}],
        [{"op": "add", "path": "/metadata/finalizers/-", "value": "a/b"}],
        [{"op": "replace", "path": "/metadata/labels/a~1b", "value": "c"}],
    ]
    given: list[Any] = [(await world.json_patch(path, patch)).summary for patch in patches]
    body = (await world.get(path)).body
    return [*given, body["data"], body["metadata"]["labels"]]


@probes("patch_merge")
async def merge_patches(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("p2"))
    path = f"{CONFIG_MAPS}/p2"
    patches: list[Any] = [
        {"data": {"c": "d"}},
        {"data": {"a": None}},
        {"data": None},
        {"data": {"x": 1}},
        {"foo": 1},
        {"metadata": {"name": "zz"}},
        {"metadata": {"resourceVersion": "1"}},
        {"metadata": {"namespace": "zz"}},
        {"kind": "Secret"},
        {"metadata": {"uid": "x"}},
        {"metadata": {"labels": {"a": "b c"}}},
        [],
        b"x",
        {"metadata": {"annotations": {"a": None}}},
    ]
    given: list[Any] = [(await world.merge(path, patch)).summary for patch in patches]
    return [*given, (await world.get(path)).body.get("data")]


def _pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


@probes("patch_smp")
async def strategic_patches(world: World) -> Any:
    body = deployment("p3", ports=[{"containerPort": 80, "name": "http"}], env=[{"name": "A", "value": "1"}])
    await world.post(DEPLOYMENTS, body)
    path = f"{DEPLOYMENTS}/p3"
    order = "$setElementOrder/env"
    patches: list[Any] = [
        _pod(containers=[{"name": "c", "env": [{"name": "B", "value": "2"}]}]),
        _pod(containers=[{"name": "c", "env": [{"name": "A", "$patch": "delete"}]}]),
        _pod(containers=[{"name": "c", order: [{"name": "C"}, {"name": "B"}], "env": [{"name": "C", "value": "3"}]}]),
        _pod(containers=[{"name": "d", "image": "y"}]),
        _pod(containers=[{"name": "d", "$patch": "delete"}]),
        _pod(containers=[{"name": "c", "ports": [{"containerPort": 81}]}]),
        _pod(containers=[{"image": "noname"}]),
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
        _pod(tolerations=[{"key": "a", "operator": "Exists"}]),
        _pod(tolerations=[{"key": "b", "operator": "Exists"}]),
        _pod(volumes=[{"name": "v", "emptyDir": {}}]),
        _pod(volumes=[{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "q"}}]),
        _pod(containers=[{"name": "c", "image": "z"}]),
        {"spec": {"foo": 1}},
    ]
    given: list[Any] = [(await world.strategic(path, patch)).summary for patch in patches]
    spec = (await world.get(path)).body["spec"]
    pod = spec["template"]["spec"]
    containers = [[c["name"], c["image"], c.get("env"), c.get("ports")] for c in pod["containers"]]
    return [*given, containers, spec["strategy"], pod.get("tolerations"), pod.get("volumes"), pod.get("hostAliases")]


@probes("patch_smp_crd")
async def strategic_patch_of_a_custom_resource(world: World) -> Any:
    return (await world.strategic("/apis/networking.istio.io/v1/namespaces/t/virtualservices/vs-min", {})).summary


@probes("patch_bad_ct")
async def other_types(world: World) -> Any:
    types = ("application/json", "text/x")
    return [
        (await world.ask("PATCH", f"{CONFIG_MAPS}/p2", {"data": {}}, content_type=type_)).summary for type_ in types
    ]


@probes("patch_missing")
async def of_what_is_missing(world: World) -> Any:
    path = f"{CONFIG_MAPS}/nope"
    return [
        (await world.merge(path, {})).summary,
        (await world.json_patch(path, [])).summary,
        (await world.strategic(path, {})).summary,
    ]


async def _version(world: World, path: str) -> str:
    return str((await world.get(path)).body["metadata"]["resourceVersion"])


@probes("patch_noop_rv")
async def patch_without_effect(world: World) -> Any:
    before = await _version(world, f"{CONFIG_MAPS}/l2")
    answer = await world.merge(f"{CONFIG_MAPS}/l2", {"data": {"a": "b"}})
    return [answer.code, await _version(world, f"{CONFIG_MAPS}/l2") == before]


@probes("put_noop_rv")
async def put_without_effect(world: World) -> Any:
    body = (await world.get(f"{CONFIG_MAPS}/l2")).body
    answer = await world.put(f"{CONFIG_MAPS}/l2", body)
    return [answer.code, await _version(world, f"{CONFIG_MAPS}/l2") == body["metadata"]["resourceVersion"]]


@probes("generation")
async def generation(world: World) -> Any:
    path = f"{DEPLOYMENTS}/g1"
    answers = [
        await world.post(DEPLOYMENTS, deployment("g1")),
        await world.merge(path, {"metadata": {"labels": {"x": "y"}}}),
        await world.merge(path, {"spec": {"paused": True}}),
        await world.merge(path, {"spec": {"paused": True}}),
        await world.merge(f"{path}/status", {"status": {"replicas": 0}}),
    ]
    return [answer.body["metadata"]["generation"] for answer in answers]


GENERATIONS = (
    "configmaps", "services", "secrets", "pods", "apps/v1/deployments", "networking.istio.io/v1/virtualservices",
    "apps/v1/statefulsets", "batch/v1/jobs", "networking.k8s.io/v1/ingresses", "policy/v1/poddisruptionbudgets",
    "discovery.k8s.io/v1/endpointslices", "rbac.authorization.k8s.io/v1/roles",
)  # fmt: skip


@probes("generation_kinds")
async def kinds_with_a_generation(world: World) -> Any:
    given = {}
    for kind in GENERATIONS:
        group, _, plural = kind.rpartition("/")
        collection = f"/apis/{group}/namespaces/t/{plural}" if group else f"{CORE}/t/{plural}"
        items = (await world.get(f"{collection}?limit=1")).body["items"]
        given[collection] = ["generation" in item["metadata"] for item in items]
    items = (await world.get(f"{CORE}?limit=1")).body["items"]
    return {**given, CORE: ["generation" in item["metadata"] for item in items]}
