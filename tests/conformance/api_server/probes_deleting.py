"""Deletion, and dry runs and generated names."""

from typing import Any

from tests.conformance.api_server.probes import CONFIG_MAPS, CORE, DEPLOYMENTS, W3, Probes, config_map, deployment
from tests.conformance.api_server.world import Answer, World

probes = Probes()


def _named(kind: str, name: str, api_version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def _service(name: str) -> dict[str, Any]:
    return _named("Service", name, spec={"ports": [{"port": 80}]})


@probes("del_return")
async def status_of_a_deletion(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("d1"))
    answer = await world.delete(f"{CONFIG_MAPS}/d1")
    details = answer.body["details"]
    return [
        answer.code,
        answer.body["kind"],
        answer.body["status"],
        sorted(details),
        details["kind"],
        details["name"],
    ]


@probes("del_return_svc")
async def deleted_service(world: World) -> Any:
    await world.post(f"{W3}/services", _service("ds"))
    answer = await world.delete(f"{W3}/services/ds")
    return [answer.code, answer.body["kind"]]


@probes("del_return_dep")
async def deleted_deployment(world: World) -> Any:
    await world.post(DEPLOYMENTS, deployment("dd"))
    answer = await world.delete(f"{DEPLOYMENTS}/dd")
    return [answer.code, answer.body["kind"], answer.body.get("status")]


@probes("del_return_sa")
async def deleted_service_account(world: World) -> Any:
    await world.post(f"{W3}/serviceaccounts", _named("ServiceAccount", "dsa"))
    answer = await world.delete(f"{W3}/serviceaccounts/dsa")
    return [answer.code, answer.body["kind"]]


@probes("del_missing")
async def missing(world: World) -> Any:
    return (await world.delete(f"{CONFIG_MAPS}/nope")).summary


def _options(**options: Any) -> dict[str, Any]:
    return {"kind": "DeleteOptions", "apiVersion": "v1", **options}


@probes("del_precond")
async def preconditions(world: World) -> Any:
    created = await world.post(CONFIG_MAPS, config_map("d2"))
    uid = created.body["metadata"]["uid"]
    path = f"{CONFIG_MAPS}/d2"
    tries = ({"uid": "x"}, {"resourceVersion": "1"}, {"uid": uid, "resourceVersion": "1"})
    given: list[Any] = [(await world.delete(path, _options(preconditions=t))).summary for t in tries]
    return [*given, (await world.delete(path, _options(preconditions={"uid": uid}))).code]


@probes("del_dryrun")
async def dry_run(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("d3"))
    path = f"{CONFIG_MAPS}/d3"
    return [
        (await world.delete(f"{path}?dryRun=All")).code,
        (await world.delete(path, _options(dryRun=["All"]))).code,
        (await world.delete(path, _options(dryRun=["Foo"]))).summary,
        (await world.get(path)).code,
    ]


@probes("del_bad_options")
async def bad_options(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("d4"))
    path = f"{CONFIG_MAPS}/d4"

    async def summary(options: Any) -> Any:
        answer = await world.delete(path, options)
        if answer.code >= 400 or answer.body.get("kind") != "Status":
            return answer.summary
        # A success has details, too.
        return Answer(400, {}, answer.raw).summary | {"code": answer.code}

    return [
        await summary(_options(propagationPolicy="Foo")),
        await summary(_options(gracePeriodSeconds="x")),
        await summary(_options(propagationPolicy="Orphan", orphanDependents=True)),
        await summary(_options(gracePeriodSeconds=-1)),
        await summary({"kind": "Foo", "apiVersion": "v1"}),
    ]


@probes("del_finalizer")
async def finalizer(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("d5", finalizers=["a.b/c"]))
    path = f"{CONFIG_MAPS}/d5"
    deleted = await world.delete(path)
    metadata = deleted.body["metadata"]
    given: list[Any] = [deleted.code, deleted.body["kind"]]
    given += ["deletionTimestamp" in metadata, metadata.get("deletionGracePeriodSeconds")]
    given.append((await world.merge(path, {"metadata": {"finalizers": ["a.b/c", "d.e/f"]}})).summary)
    given.append((await world.merge(path, {"data": {"x": "y"}})).summary)
    given.append((await world.merge(path, {"metadata": {"finalizers": None}})).summary)
    return [*given, (await world.get(path)).code]


@probes("del_foreground")
async def foreground(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("d6"))
    answer = await world.delete(f"{CONFIG_MAPS}/d6", _options(propagationPolicy="Foreground"))
    return [answer.code, (await world.gone(f"{CONFIG_MAPS}/d6")).code]


async def _owned(world: World, owner: str, name: str) -> None:
    created = await world.post(CONFIG_MAPS, config_map(owner))
    uid = created.body["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid}
    await world.post(CONFIG_MAPS, config_map(name, ownerReferences=[reference]))


@probes("del_cascade")
async def cascade(world: World) -> Any:
    await _owned(world, "d7", "d7x")
    await world.delete(f"{CONFIG_MAPS}/d7")
    return "gone" if (await world.gone(f"{CONFIG_MAPS}/d7x")).code == 404 else "stays"


@probes("del_cascade_orphan")
async def orphan(world: World) -> Any:
    await _owned(world, "d8", "d8x")
    await world.delete(f"{CONFIG_MAPS}/d8", _options(propagationPolicy="Orphan"))
    owner = await world.gone(f"{CONFIG_MAPS}/d8")
    stays = await world.get(f"{CONFIG_MAPS}/d8x")
    return [owner.code, stays.code, stays.body["metadata"].get("ownerReferences")]


@probes("del_absent_owner")
async def absent_owner(world: World) -> Any:
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "never",
        "uid": "00000000-1111-2222-3333-444444444444",
    }
    await world.post(CONFIG_MAPS, config_map("d9", ownerReferences=[reference]))
    return "gone" if (await world.gone(f"{CONFIG_MAPS}/d9")).code == 404 else "stays"


REPLICA_SETS = "/apis/apps/v1/namespaces/w3/replicasets"


async def _orphaned_sets(world: World, name: str) -> list[Any]:
    await world.post(DEPLOYMENTS, deployment(name))
    await world.settled()
    await world.delete(f"{DEPLOYMENTS}/{name}", _options(propagationPolicy="Orphan"))
    await world.gone(f"{DEPLOYMENTS}/{name}")
    await world.settled()
    found = await world.get(f"{REPLICA_SETS}?labelSelector=a%3D{name}")
    return [len(found.body["items"]), [item["metadata"].get("ownerReferences") for item in found.body["items"]]]


@probes("del_dep_orphan")
async def orphaned_replica_set(world: World) -> Any:
    return await _orphaned_sets(world, "do")


@probes("deletecollection")
async def collection(world: World) -> Any:
    for number in range(3):
        await world.post(CONFIG_MAPS, config_map(f"dc{number}", labels={"dc": str(number)}))
    await world.post(f"{W3}/services", _service("dcs"))
    dry = await world.delete(f"{CONFIG_MAPS}?labelSelector=dc&dryRun=All")
    given: list[Any] = [dry.code, len((await world.get(f"{CONFIG_MAPS}?labelSelector=dc")).names)]
    some = await world.delete(f"{CONFIG_MAPS}?labelSelector=dc%3D0")
    given += [some.code, some.body["kind"], some.names, (await world.get(f"{CONFIG_MAPS}?labelSelector=dc")).names]
    await world.delete(f"{CONFIG_MAPS}?labelSelector=dc")
    given.append((await world.get(f"{CONFIG_MAPS}?labelSelector=dc")).names)
    services = await world.delete(f"{W3}/services?fieldSelector=metadata.name%3Ddcs")
    return [*given, services.code, services.body["kind"]]


@probes("deletecollection_limit")
async def part_of_a_collection(world: World) -> Any:
    for number in range(3):
        await world.post(CONFIG_MAPS, config_map(f"dl{number}", labels={"dl": "x"}))
    deleted = await world.delete(f"{CONFIG_MAPS}?labelSelector=dl&limit=1")
    given = [deleted.names, (await world.get(f"{CONFIG_MAPS}?labelSelector=dl")).names]
    await world.delete(f"{CONFIG_MAPS}?labelSelector=dl")
    return given


@probes("create_dry")
async def create_dry(world: World) -> Any:
    answer = await world.post(f"{CONFIG_MAPS}?dryRun=All", config_map("dry"))
    invalid = config_map("dry", {"a b": "c"})
    return [
        answer.code,
        sorted(answer.body["metadata"]),
        (await world.get(f"{CONFIG_MAPS}/dry")).code,
        (await world.post(f"{CONFIG_MAPS}?dryRun=Foo", config_map("dry"))).summary,
        (await world.post(f"{CONFIG_MAPS}?dryRun=All", invalid)).code,
    ]


@probes("create_dry_svc")
async def create_dry_service(world: World) -> Any:
    answer = await world.post(f"{W3}/services?dryRun=All", _service("drys"))
    spec = answer.body["spec"]
    return [answer.code, bool(spec.get("clusterIP")), spec["ports"][0]["targetPort"] == 80]


@probes("update_dry")
async def update_dry(world: World) -> Any:
    answer = await world.merge(f"{CONFIG_MAPS}/l2?dryRun=All", {"data": {"zz": "b"}})
    stored = (await world.get(f"{CONFIG_MAPS}/l2")).body
    return [answer.code, stored["data"], answer.body["data"].get("zz") == "b"]


@probes("generate_name")
async def generate_name(world: World) -> Any:
    short = await world.post(CONFIG_MAPS, {**config_map(""), "metadata": {"generateName": "gen-"}})
    long = await world.post(CONFIG_MAPS, {**config_map(""), "metadata": {"generateName": "g" * 70 + "-"}})
    metadata = short.body["metadata"]
    given = [len(metadata["name"]), metadata["name"].startswith("gen-"), metadata["generateName"]]
    for answer in (short, long):
        await world.delete(f"{CONFIG_MAPS}/{answer.body['metadata']['name']}")
    return [*given, len(long.body["metadata"]["name"])]


@probes("update_stale")
async def stale(world: World) -> Any:
    body = (await world.get(f"{CONFIG_MAPS}/l3")).body
    await world.merge(f"{CONFIG_MAPS}/l3", {"data": {"s": "t"}})
    return (await world.put(f"{CONFIG_MAPS}/l3", body)).summary


@probes("update_no_rv")
async def without_a_version(world: World) -> Any:
    body = (await world.get(f"{CONFIG_MAPS}/l3")).body
    del body["metadata"]["resourceVersion"]
    return (await world.put(f"{CONFIG_MAPS}/l3", body)).summary


@probes("update_no_rv_kinds")
async def kinds_that_need_a_version(world: World) -> Any:
    route = {"destination": {"host": "x"}}
    host = {"hosts": ["a.example.com"], "http": [{"route": [route]}]}
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    bodies = {
        "dep": (DEPLOYMENTS, deployment("unr")),
        "svc": (f"{W3}/services", _service("unr")),
        "vs": (
            "/apis/networking.istio.io/v1/namespaces/w3/virtualservices",
            _named("VirtualService", "unr", "networking.istio.io/v1", spec=host),
        ),
        "hr": (
            "/apis/gateway.networking.k8s.io/v1/namespaces/w3/httproutes",
            _named("HTTPRoute", "unr", "gateway.networking.k8s.io/v1", spec={"parentRefs": [{"name": "g"}]}),
        ),
        "role": (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/w3/roles",
            _named("Role", "unr", "rbac.authorization.k8s.io/v1", rules=[rule]),
        ),
    }
    given: dict[str, Any] = {}
    for name, (path, body) in bodies.items():
        created = await world.post(path, body)
        stored = dict(created.body)
        stored["metadata"] = {k: v for k, v in stored["metadata"].items() if k != "resourceVersion"}
        answer = await world.put(f"{path}/unr", stored)
        given[name] = answer.code if answer.code < 400 else answer.summary
    return given


async def _namespace(world: World, name: str) -> None:
    await world.post(CORE, _named("Namespace", name))


@probes("ns_delete")
async def namespace(world: World) -> Any:
    await _namespace(world, "todel")
    await world.post(f"{CORE}/todel/configmaps", config_map("x", finalizers=["a.b/c"]))
    deleted = await world.delete(f"{CORE}/todel")
    status = deleted.body.get("status")
    given: list[Any] = [deleted.code, deleted.body["kind"], status.get("phase") if isinstance(status, dict) else status]
    given += ["deletionTimestamp" in deleted.body["metadata"], deleted.body.get("spec")]
    given.append((await world.post(f"{CORE}/todel/configmaps", config_map("y"))).summary)
    await world.merge(f"{CORE}/todel/configmaps/x", {"metadata": {"finalizers": None}})
    return [*given, (await world.gone(f"{CORE}/todel")).code == 404]


@probes("ns_default_delete")
async def default_namespace(world: World) -> Any:
    return (await world.delete(f"{CORE}/default")).summary
