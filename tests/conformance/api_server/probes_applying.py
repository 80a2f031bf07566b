"""Server-side apply, and who owns which field."""

import json
from typing import Any

from tests.conformance.api_server.probes import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    W3,
    Probes,
    config_map,
    deployment,
    managers,
)
from tests.conformance.api_server.world import Answer, World

probes = Probes()
LABELS = {"labels": {"x": "y"}}


async def _apply(world: World, name: str, body: Any, manager: str = "m", more: str = "", **path: str) -> Answer:
    return await world.apply(f"{path.get('of', CONFIG_MAPS)}/{name}?fieldManager={manager}{more}", body)


def _causes(answer: Answer) -> list[str]:
    return [cause["field"] for cause in answer.body["details"]["causes"]]


@probes("ssa_create")
async def create(world: World) -> Any:
    answer = await _apply(world, "s1", config_map("s1", **LABELS))
    return [answer.code, managers(answer.body)]


@probes("ssa_conflict")
async def conflict(world: World) -> Any:
    answer = await _apply(world, "s1", config_map("s1", {"a": "c"}, labels={"x": "z"}), "other")
    return [answer.summary, answer.body["details"]["causes"]]


@probes("ssa_force")
async def force(world: World) -> Any:
    answer = await _apply(world, "s1", config_map("s1", {"a": "c"}, labels={"x": "z"}), "other", "&force=true")
    return [answer.summary, managers(answer.body)]


@probes("ssa_shared")
async def shared(world: World) -> Any:
    answer = await _apply(world, "s1", config_map("s1", {"a": "c"}, labels={"x": "z"}), "third")
    return [answer.summary, managers(answer.body)]


@probes("ssa_remove")
async def remove(world: World) -> Any:
    nothing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s1"}}
    given: list[Any] = [(await _apply(world, "s1", nothing, manager)).summary for manager in ("other", "third")]
    last = await world.get(f"{CONFIG_MAPS}/s1")
    metadata = last.body["metadata"]
    return [*given, last.summary, last.body.get("data"), metadata.get("labels"), managers(last.body)]


@probes("ssa_noop_rv")
async def without_effect(world: World) -> Any:
    first = await _apply(world, "s2", config_map("s2"))
    second = await _apply(world, "s2", config_map("s2"))
    versions = [answer.body["metadata"]["resourceVersion"] for answer in (first, second)]
    return [first.code, second.code, versions[0] == versions[1]]


@probes("ssa_no_fm")
async def without_a_manager(world: World) -> Any:
    return (await world.apply(f"{CONFIG_MAPS}/s2", config_map("s2"))).summary


@probes("ssa_rv_new")
async def of_a_version_of_nothing(world: World) -> Any:
    return (await _apply(world, "s9", config_map("s9", resourceVersion="1"))).summary


@probes("ssa_uid")
async def of_another_uid(world: World) -> Any:
    return (await _apply(world, "s2", config_map("s2", uid="zz"))).summary


@probes("ssa_mf_given")
async def with_managed_fields(world: World) -> Any:
    return (await _apply(world, "s2", config_map("s2", managedFields=[{"manager": "x"}]))).summary


@probes("ssa_noname")
async def without_a_head(world: World) -> Any:
    nameless = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"a": "b"}}
    versionless = {"kind": "ConfigMap", "metadata": {"name": "s2"}, "data": {"a": "b"}}
    return [
        (await _apply(world, "s2", nameless)).summary,
        (await _apply(world, "s2", versionless)).summary,
        (await _apply(world, "s3", config_map("s4"))).summary,
    ]


@probes("ssa_unknown")
async def unknown_field(world: World) -> Any:
    body = {**config_map("s5"), "foo": 1}
    return [(await _apply(world, "s5", body)).summary, (await _apply(world, "s5", body, more="&force=true")).summary]


@probes("ssa_null")
async def null(world: World) -> Any:
    return (await _apply(world, "s6", {**config_map("s6"), "data": None})).summary


@probes("ssa_dup_list")
async def duplicate_member(world: World) -> Any:
    body = deployment("s7")
    containers = body["spec"]["template"]["spec"]["containers"]
    containers.append(dict(containers[0]))
    return (await _apply(world, "s7", body, of=DEPLOYMENTS)).summary


def _containers(answer: Answer) -> list[Any]:
    return [[c["name"], c["image"], c.get("env")] for c in answer.body["spec"]["template"]["spec"]["containers"]]


def _variable(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


@probes("ssa_dep_lists")
async def lists(world: World) -> Any:
    first = deployment("s8", ports=[{"containerPort": 80, "name": "http"}])
    containers = first["spec"]["template"]["spec"]["containers"]
    containers[0]["env"] = [_variable("A", "1"), _variable("B", "2")]
    containers.append({"name": "d", "image": "y"})
    given = [_containers(await _apply(world, "s8", first, of=DEPLOYMENTS))]
    second: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "s8"}}
    added = [{"name": "c", "env": [_variable("Z", "9")]}, {"name": "e", "image": "q"}]
    second["spec"] = {"template": {"spec": {"containers": added}}}
    given.append(_containers(await _apply(world, "s8", second, "two", of=DEPLOYMENTS)))
    containers.pop()
    containers[0]["env"].pop(0)
    third = await _apply(world, "s8", first, of=DEPLOYMENTS)
    return [*given, _containers(third), managers(third.body)]


@probes("ssa_after_client")
async def after_a_client_side_apply(world: World) -> Any:
    body = deployment("csa")
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(body)}
    await world.post(f"{DEPLOYMENTS}?fieldManager=kubectl-client-side-apply", body)
    answer = await _apply(world, "csa", deployment("csa", image="z"), of=DEPLOYMENTS)
    return [answer.summary, _causes(answer)]


@probes("ssa_csa_managers")
async def managers_that_do_not_apply(world: World) -> Any:
    await world.post(f"{CONFIG_MAPS}?fieldManager=abc", config_map("fm"))
    await world.merge(f"{CONFIG_MAPS}/fm?fieldManager=def", {"data": {"a": "c"}})
    answer = await world.merge(f"{CONFIG_MAPS}/fm?fieldManager=ghi", {"data": {"n": "m"}})
    return managers(answer.body)


@probes("ssa_default_manager")
async def manager_by_user_agent(world: World) -> Any:
    answer = await world.post(CONFIG_MAPS, config_map("fmd"), headers={"User-Agent": "foo/1.0 (x)"})
    return managers(answer.body)


@probes("ssa_status")
async def status(world: World) -> Any:
    await world.post(DEPLOYMENTS, deployment("ss"))
    await world.settled()
    condition = {"type": "Foo", "status": "True"}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ss"}}
    answer = await world.apply(
        f"{DEPLOYMENTS}/ss/status?fieldManager=q", {**body, "status": {"conditions": [condition]}}
    )
    return [answer.summary, [entry for entry in managers(answer.body) if entry[0] == "q"] if answer.code < 400 else []]


@probes("ssa_fm_long")
async def long_manager(world: World) -> Any:
    manager = "m" * 129
    return [
        (await _apply(world, "sfm", config_map("sfm"), manager)).summary,
        (await world.post(f"{CONFIG_MAPS}?fieldManager={manager}", config_map("sfm"))).summary,
    ]


@probes("ssa_vs")
async def custom_resource_with_atomic_lists(world: World) -> Any:
    collection = "/apis/networking.istio.io/v1/namespaces/w3/virtualservices"

    def body(host: str) -> dict[str, Any]:
        spec = {"hosts": ["a.example.com"], "http": [{"route": [{"destination": {"host": host}}]}]}
        return {
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "sv"}, "spec": spec,
        }  # fmt: skip

    first = await _apply(world, "sv", body("x"), of=collection)
    second = await _apply(world, "sv", body("y"), "n", of=collection)
    return [first.summary, managers(first.body), second.summary, _causes(second)]


@probes("ssa_hr")
async def route_of_the_gateway_api(world: World) -> Any:
    spec = {"parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": "s", "port": 80}]}]}
    body = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "sh"}, "spec": spec}
    answer = await _apply(world, "sh", body, of="/apis/gateway.networking.k8s.io/v1/namespaces/w3/httproutes")
    return [answer.summary, managers(answer.body)]


def _service(name: str, *ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": list(ports), **spec}}


@probes("ssa_svc")
async def ports(world: World) -> Any:
    first = _service("sq", {"name": "a", "port": 80}, {"name": "b", "port": 81}, selector={"a": "b"})
    second = _service("sq", {"name": "a", "port": 80}, {"name": "c", "port": 82}, selector={"a": "b"})
    given = await _apply(world, "sq", first, of=f"{W3}/services")
    answer = await _apply(world, "sq", second, of=f"{W3}/services")
    return [managers(given.body), answer.summary, [[p["name"], p["port"]] for p in answer.body["spec"]["ports"]]]
