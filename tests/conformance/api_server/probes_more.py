"""What was asked in a second recording: deletion, merged lists, and what controllers and admission do."""

import re
from typing import Any

from tests.conformance.api_server.probes import CONFIG_MAPS, CORE, DEPLOYMENTS, W3, Probes, config_map, deployment
from tests.conformance.api_server.world import World

probes = Probes()
REPLICA_SETS = "/apis/apps/v1/namespaces/w3/replicasets"


def _named(kind: str, name: str, api_version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def _pod(name: str) -> dict[str, Any]:
    return _named("Pod", name, spec={"containers": [{"name": "c", "image": "nginx"}]})


@probes("ns_delete (2)")
async def namespace_with_a_finalizer_in_it(world: World) -> Any:
    await world.post(CORE, _named("Namespace", "todel2"))
    await world.post(f"{CORE}/todel2/configmaps", config_map("x", finalizers=["a.b/c"]))
    deleted = await world.delete(f"{CORE}/todel2")

    def phase(body: Any) -> Any:
        status = body.get("status")
        return status.get("phase") if isinstance(status, dict) else status

    stored = await world.get(f"{CORE}/todel2")
    created = await world.post(f"{CORE}/todel2/configmaps", config_map("y"))
    inside = await world.get(f"{CORE}/todel2/configmaps/x")
    given = [deleted.code, deleted.body["kind"], phase(deleted.body), phase(stored.body), stored.body.get("spec")]
    given += [created.code, created.body["message"], f"configmap with finalizer GET {inside.code}"]
    await world.merge(f"{CORE}/todel2/configmaps/x", {"metadata": {"finalizers": None}})
    return [*given, (await world.gone(f"{CORE}/todel2")).code == 404]


async def _sets(world: World, name: str) -> list[Any]:
    items: list[Any] = (await world.get(f"{REPLICA_SETS}?labelSelector=a%3D{name}")).body["items"]
    return items


@probes("dep_orphan")
async def orphaned(world: World) -> Any:
    await world.post(DEPLOYMENTS, deployment("do1", 1))
    await world.settled()
    before = len(await _sets(world, "do1"))
    await world.delete(f"{DEPLOYMENTS}/do1", {"kind": "DeleteOptions", "propagationPolicy": "Orphan"})
    await world.gone(f"{DEPLOYMENTS}/do1")
    await world.settled()
    after = await _sets(world, "do1")
    return [before, len(after), [item["metadata"].get("ownerReferences") for item in after]]


@probes("dep_orphan_delete")
async def replica_set_of_a_deployment(world: World) -> Any:
    await world.post(DEPLOYMENTS, deployment("do2"))
    await world.settled()
    items = await _sets(world, "do2")
    metadata = items[0]["metadata"]
    given: list[Any] = [len(items), [owner["controller"] for owner in metadata["ownerReferences"]]]
    given.append(str(set(metadata["labels"]) - {"pod-template-hash"}))
    given.append(metadata["name"] == f"do2-{metadata['labels']['pod-template-hash']}")
    given.append(dict(sorted(metadata["annotations"].items())))
    await world.delete(f"{DEPLOYMENTS}/do2")
    await world.gone(f"{REPLICA_SETS}/{metadata['name']}")
    return [*given, len(await _sets(world, "do2"))]


@probes("ssa_svc_protocol_default")
async def default_in_a_key(world: World) -> Any:
    path = f"{W3}/services/spd?fieldManager=m"

    def body(**port: Any) -> dict[str, Any]:
        return _named("Service", "spd", spec={"ports": [{"port": 80, **port}]})

    applied = [
        await world.apply(path, body()),
        await world.apply(path, body(protocol="TCP")),
        await world.apply(path, body(targetPort=90)),
    ]
    return [*(answer.summary for answer in applied), applied[-1].body["spec"]["ports"]]


@probes("pod_delete_grace0")
async def pod_without_grace(world: World) -> Any:
    await world.post(f"{W3}/pods", _pod("pg0"))
    deleted = await world.delete(f"{W3}/pods/pg0?gracePeriodSeconds=0")
    gone = await world.get(f"{W3}/pods/pg0")
    return [deleted.code, deleted.body["kind"], gone.code, (await world.post(f"{W3}/pods", _pod("pg0"))).code]


@probes("pod_delete_return")
async def pod_that_was_never_started(world: World) -> Any:
    await world.post(f"{W3}/pods", _pod("pdr"))
    deleted = await world.delete(f"{W3}/pods/pdr")
    return [deleted.code, deleted.body["kind"], deleted.body["metadata"].get("deletionGracePeriodSeconds")]


def _service(name: str, **spec: Any) -> dict[str, Any]:
    return _named("Service", name, spec={"ports": [{"port": 80}], **spec})


@probes("svc_clusterip_given")
async def address_that_is_given(world: World) -> Any:
    answer = await world.post(f"{W3}/services", _service("sip", clusterIP="10.96.5.5"))
    return [answer.code, answer.body["spec"]["clusterIP"], [h for h in answer.headers if h == "warning"]]


@probes("svc_clusterip_dup")
async def address_of_another(world: World) -> Any:
    answer = await world.post(f"{W3}/services", _service("sip2", clusterIP="10.96.5.5"))
    return [answer.code, None if answer.code >= 400 else True]


@probes("env_order_merge")
async def order_of_merged_lists(world: World) -> Any:
    body = deployment("eom", env=[{"name": "c", "value": "1"}, {"name": "d", "value": "2"}])
    body["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "z"}]
    await world.post(DEPLOYMENTS, body)
    patch = {
        "containers": [{"name": "c", "env": [{"name": "e", "value": "3"}]}],
        "imagePullSecrets": [{"name": "y"}],
        "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a"]}],
    }
    answer = await world.strategic(f"{DEPLOYMENTS}/eom", {"spec": {"template": {"spec": patch}}})
    spec = answer.body["spec"]["template"]["spec"]
    names = [variable["name"] for variable in spec["containers"][0]["env"]]
    return [names, spec["imagePullSecrets"], spec["hostAliases"]]


@probes("finalizer_merge")
async def merged_finalizers(world: World) -> Any:
    await world.post(CONFIG_MAPS, config_map("fin", finalizers=["a.b/c"]))
    path = f"{CONFIG_MAPS}/fin"
    answer = await world.strategic(path, {"metadata": {"finalizers": ["d.e/f"]}})
    await world.merge(path, {"metadata": {"finalizers": None}})
    return answer.body["metadata"]["finalizers"]


@probes("ownerref_merge")
async def merged_owners(world: World) -> Any:
    def owner(name: str) -> dict[str, str]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": f"uid-{name}"}

    # Owners that do not exist: the garbage collector takes the object soon, after the answer.
    live = (await world.get(f"{CONFIG_MAPS}/l0")).body["metadata"]["uid"]
    first = {**owner("a"), "name": "l0", "uid": live}
    await world.post(CONFIG_MAPS, config_map("own", ownerReferences=[first]))
    answer = await world.strategic(f"{CONFIG_MAPS}/own", {"metadata": {"ownerReferences": [owner("b")]}})
    names = {"l0": "a"}
    references = answer.body["metadata"]["ownerReferences"]
    await world.delete(f"{CONFIG_MAPS}/own")
    return [names.get(reference["name"], reference["name"]) for reference in references]


@probes("dep_status_conditions")
async def status_of_a_deployment(world: World) -> Any:
    await world.post(DEPLOYMENTS, deployment("dc1", 1))

    def settled(answer: Any) -> bool:
        conditions = answer.body.get("status", {}).get("conditions", ())
        return any(condition["reason"] == "ReplicaSetUpdated" for condition in conditions)

    body = (await world.until(f"{DEPLOYMENTS}/dc1", settled)).body
    status = body["status"]
    fields = ("type", "status", "reason", "message")
    status["conditions"] = [
        {name: re.sub(r"dc1-\w+", "dc1-X", condition[name]) for name in fields} for condition in status["conditions"]
    ]
    return [status, body["metadata"]["annotations"]]


@probes("pod_pending_status")
async def status_of_a_pod(world: World) -> Any:
    return (await world.post(f"{W3}/pods", _pod("pps"))).body.get("status")


@probes("secret_sa_token")
async def token_in_a_secret(world: World) -> Any:
    metadata = {"name": "sat", "annotations": {"kubernetes.io/service-account.name": "default"}}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}
    created = await world.post(f"{W3}/secrets", body)
    stored = await world.until(f"{W3}/secrets/sat", lambda answer: "token" in (answer.body.get("data") or {}))
    # The recording's server had no certificate authority for pods.
    return [created.code, stored.code, sorted(set(stored.body.get("data") or {}) - {"ca.crt"})]


@probes("endpoints_obj")
async def endpoints(world: World) -> Any:
    await world.post(f"{W3}/services", _service("epx", selector={"a": "epx"}))
    path = "/apis/discovery.k8s.io/v1/namespaces/w3/endpointslices?labelSelector=kubernetes.io/service-name%3Depx"
    slices = (await world.until(path, lambda answer: bool(answer.body["items"]))).body["items"]
    body = (await world.until(f"{W3}/endpoints/epx", lambda answer: answer.code == 200)).body
    shown = [
        [
            sorted(item),
            item["metadata"]["labels"],
            sorted(item["metadata"].get("annotations") or {}),
            item["metadata"]["name"].startswith("epx-"),
            item["metadata"].get("generateName"),
            item["endpoints"],
            item["ports"],
        ]
        for item in slices
    ]
    return [200, sorted(body), body["metadata"].get("labels"), shown]


@probes("endpoints_manual")
async def endpoints_by_hand(world: World) -> Any:
    return (await world.post(f"{W3}/endpoints", _named("Endpoints", "epm", subsets=[]))).code


@probes("event_list_sorted")
async def events(world: World) -> Any:
    return (await world.get(f"{W3}/events")).code


@probes("quota_enforced")
async def quota(world: World) -> Any:
    await world.post(CORE, _named("Namespace", "w-quota"))
    await world.post(f"{CORE}/w-quota/resourcequotas", _named("ResourceQuota", "q", spec={"hard": {"pods": "0"}}))
    path = f"{CORE}/w-quota/resourcequotas/q"
    await world.until(path, lambda answer: "used" in (answer.body.get("status") or {}), 1.0)
    return (await world.post(f"{CORE}/w-quota/pods", _pod("p"))).code


@probes("limitrange_default")
async def limit_range(world: World) -> Any:
    await world.post(CORE, _named("Namespace", "w-limits"))
    limits = [{"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "100m"}}]
    await world.post(f"{CORE}/w-limits/limitranges", _named("LimitRange", "l", spec={"limits": limits}))
    created = await world.post(f"{CORE}/w-limits/pods", _pod("p"))
    return [created.code, created.body["spec"]["containers"][0].get("resources")]


KINDS = (
    "/apis/policy/v1/namespaces/t/poddisruptionbudgets", "/apis/autoscaling/v1/namespaces/t/horizontalpodautoscalers",
    "/api/v1/namespaces/t/persistentvolumeclaims", "/apis/storage.k8s.io/v1/csidrivers",
    "/apis/node.k8s.io/v1/runtimeclasses", "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
    "/apis/apps/v1/namespaces/t/controllerrevisions",
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", "/apis/events.k8s.io/v1/events",
    "/apis/gateway.networking.k8s.io/v1/backendtlspolicies", "/apis/gateway.networking.k8s.io/v1/tlsroutes",
    "/apis/gateway.networking.k8s.io/v1alpha2/tcproutes", "/apis/networking.istio.io/v1/workloadentries",
)  # fmt: skip


@probes("unserved")
async def kinds(world: World) -> Any:
    return {path: (await world.get(path)).code for path in KINDS}
