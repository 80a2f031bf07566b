"""Kubernetes' verbs over real TLS: what a client sees, and what is stored."""

import asyncio
import json
import socket

import pytest

from mesh.resources.core.deployment import DORMANT
from mesh.resources.values.ref import Ref
from mesh.store import Put
from tests.support.api import Api
from tests.support.manifests import config, deployment, destination_rule, namespace, service, virtual_service

CONFIGS = "/api/v1/namespaces/mesh/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/mesh/deployments"
MERGE = "application/merge-patch+json"
SERVICES = "/api/v1/namespaces/mesh/services"
RULES = "/apis/networking.istio.io/v1/namespaces/mesh"


async def test_an_object_can_be_created_read_listed_and_deleted(api: Api) -> None:
    created = await api.ask("POST", CONFIGS, config("a"))
    assert created.code == 201
    assert created.body["metadata"]["namespace"] == "mesh"
    assert (await api.ask("GET", f"{CONFIGS}/a")).body == created.body
    listed = (await api.ask("GET", "/api/v1/configmaps?fieldSelector=metadata.name!=kube-root-ca.crt")).body
    assert (listed["kind"], listed["apiVersion"]) == ("ConfigMapList", "v1")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]
    gone = await api.ask("DELETE", f"{CONFIGS}/a", {"kind": "DeleteOptions", "apiVersion": "v1"})
    assert gone.body["status"] == "Success"
    assert gone.body["details"]["uid"] == created.body["metadata"]["uid"]
    missing = await api.ask("GET", f"{CONFIGS}/a")
    assert (missing.code, missing.body["reason"]) == (404, "NotFound")
    assert missing.body["message"] == 'configmaps "a" not found'


async def test_creating_twice_and_changing_an_old_version_are_conflicts(api: Api) -> None:
    first = (await api.ask("POST", CONFIGS, config("a"))).body
    again = await api.ask("POST", CONFIGS, config("a"))
    assert (again.code, again.body["reason"]) == (409, "AlreadyExists")
    assert (await api.ask("PUT", f"{CONFIGS}/a", {**first, "data": {"k": "2"}})).code == 200
    stale = await api.ask("PUT", f"{CONFIGS}/a", {**first, "data": {"k": "3"}})
    assert (stale.code, stale.body["reason"]) == (409, "Conflict")
    assert (await api.ask("GET", f"{CONFIGS}/a")).body["data"] == {"k": "2"}


async def test_a_name_can_be_generated(api: Api) -> None:
    body = {**config("x"), "metadata": {"generateName": "a-"}}
    created = await api.ask("POST", CONFIGS, body)
    assert created.code == 201, created.body
    assert created.body["metadata"]["name"].startswith("a-")
    assert len(created.body["metadata"]["name"]) == 7


async def test_what_is_wrong_is_said_with_its_path_and_nothing_is_stored(api: Api) -> None:
    wrong = deployment("mall")
    wrong["spec"]["template"]["spec"]["containers"][0]["comand"] = ["x"]
    version = api.store.version
    refused = await api.ask("POST", f"{DEPLOYMENTS}?fieldValidation=Strict", wrong)
    assert (refused.code, refused.body["reason"], refused.body["kind"]) == (400, "BadRequest", "Status")
    assert 'strict decoding error: unknown field "spec.template.spec.containers[0].comand"' in refused.body["message"]
    assert "command" in refused.body["message"]
    wrong["spec"]["replicas"] = -1
    refused = await api.ask("POST", DEPLOYMENTS, wrong)
    assert (refused.code, refused.body["reason"], refused.body["kind"]) == (422, "Invalid", "Status")
    (cause,) = refused.body["details"]["causes"]
    assert (cause["field"], cause["reason"]) == ("spec.replicas", "FieldValueInvalid")
    assert api.store.version == version


@pytest.mark.parametrize("query", ["", "?fieldValidation=Warn", "?fieldValidation=Ignore"])
async def test_unknown_fields_are_dropped_unless_the_writer_wants_an_error(api: Api, query: str) -> None:
    newer = deployment("mall")
    newer["spec"]["fromTheFuture"] = {"a": 1}
    newer["metadata"]["fromTheFuture"] = 1
    stored = await api.ask("POST", DEPLOYMENTS + query, newer)
    assert stored.code == 201, stored.body
    assert "fromTheFuture" not in json.dumps(stored.body)
    warnings = stored.headers.get_all("warning") or []
    assert [warning.count("fromTheFuture") for warning in warnings] == ([] if "Ignore" in query else [1, 1])


async def test_a_field_that_is_there_twice_is_an_error_or_a_warning(api: Api) -> None:
    raw = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}'
    path = "/api/v1/namespaces/mesh/configmaps"
    refused = await api.ask("POST", f"{path}?fieldValidation=Strict", raw)
    assert (refused.code, 'duplicate field "data.a"' in refused.body["message"]) == (400, True)
    stored = await api.ask("POST", path, raw)
    assert (stored.code, stored.body["data"]) == (201, {"a": "2"})
    assert "duplicate field" in stored.headers["warning"]


async def test_how_unknown_fields_are_treated_is_one_of_kubernetes_words(api: Api) -> None:
    refused = await api.ask("POST", f"{DEPLOYMENTS}?fieldValidation=Sometimes", deployment("mall"))
    assert (refused.code, refused.body["details"]["kind"]) == (422, "CreateOptions")
    assert refused.body["details"]["causes"][0]["reason"] == "FieldValueNotSupported"


async def test_a_rule_for_a_subset_that_is_not_there_is_refused(api: Api) -> None:
    await api.ask("POST", SERVICES, service("products"))
    await api.ask("POST", f"{RULES}/destinationrules", destination_rule("products", "v1", "v2"))
    refused = await api.ask("POST", f"{RULES}/virtualservices", virtual_service("products", "v3"))
    assert refused.code == 422
    assert '"v3" is not a subset of DestinationRule mesh/products (it has v1, v2)' in refused.body["message"]


async def test_a_rule_may_come_before_the_destination_rule_when_they_come_one_by_one(api: Api) -> None:
    await api.ask("POST", SERVICES, service("products"))
    created = await api.ask("POST", f"{RULES}/virtualservices", virtual_service("products", "v1"))
    assert created.code == 201
    assert "no DestinationRule" in created.headers["Warning"]


async def test_defaults_are_filled_in_and_inert_fields_are_warned_of(api: Api) -> None:
    body = deployment("mall")
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1"}}
    created = await api.ask("POST", DEPLOYMENTS, body)
    assert created.body["spec"]["replicas"] == 1
    assert created.body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30
    assert created.headers["Warning"].startswith('299 - "Deployment mesh/mall: no effect')


async def test_an_object_needs_its_namespace(api: Api) -> None:
    refused = await api.ask("POST", "/api/v1/namespaces/nowhere/configmaps", config("a"))
    assert (refused.code, refused.body["message"]) == (404, 'namespaces "nowhere" not found')


async def test_a_dry_run_answers_and_stores_nothing(api: Api) -> None:
    version = api.store.version
    answer = await api.ask("POST", f"{CONFIGS}?dryRun=All", config("a"))
    assert (answer.code, answer.body["metadata"]["name"]) == (201, "a")
    assert api.store.version == version
    assert (await api.ask("POST", f"{CONFIGS}?dryRun=perhaps", config("a"))).code == 422


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("merge-patch+json", {"data": {"k": None, "new": "2"}}),
        (
            "json-patch+json",
            [
                {"op": "move", "from": "/data/k", "path": "/data/new"},
                {"op": "replace", "path": "/data/new", "value": "2"},
            ],
        ),
        ("strategic-merge-patch+json", {"data": {"$patch": "replace", "new": "2"}}),
    ],
)
async def test_patches_of_three_kinds(api: Api, kind: str, patch: object) -> None:
    await api.ask("POST", CONFIGS, config("a"))
    patched = await api.ask("PATCH", f"{CONFIGS}/a", patch, content_type=f"application/{kind}")
    assert patched.code == 200, patched.body
    assert patched.body["data"] == {"new": "2"}


async def test_a_strategic_patch_finds_containers_and_variables_by_name(api: Api) -> None:
    await api.ask("POST", DEPLOYMENTS, deployment("mall", A="1", B="2"))
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "B", "value": "3"}]}]}}}}
    patched = await api.ask(
        "PATCH", f"{DEPLOYMENTS}/mall", patch, content_type="application/strategic-merge-patch+json"
    )
    (container,) = patched.body["spec"]["template"]["spec"]["containers"]
    assert {item["name"]: item["value"] for item in container["env"]} == {"A": "1", "B": "3"}
    assert patched.body["metadata"]["generation"] == 2


async def test_patches_that_do_not_fit_change_nothing(api: Api) -> None:
    await api.ask("POST", CONFIGS, config("a"))
    version = api.store.version
    failing = [{"op": "test", "path": "/data/k", "value": "no"}]
    assert (await api.ask("PATCH", f"{CONFIGS}/a", failing, content_type="application/json-patch+json")).code == 422
    for patch, code in (({"kind": "Secret"}, 422), ({"metadata": {"name": "b"}}, 400), (7, 400)):
        answer = await api.ask("PATCH", f"{CONFIGS}/a", patch, content_type="application/merge-patch+json")
        assert answer.code == code, patch
    assert (await api.ask("PATCH", f"{CONFIGS}/a", {}, content_type="application/cbor")).code == 415
    assert api.store.version == version


async def test_the_status_is_a_part_of_its_own(api: Api) -> None:
    await api.ask("POST", DEPLOYMENTS, {**deployment("mall"), "status": {"replicas": 9}})
    put = (await api.ask("GET", f"{DEPLOYMENTS}/mall")).body
    assert "status" not in put
    put["status"], put["spec"]["replicas"] = {"replicas": 3}, 5
    answered = (await api.ask("PUT", f"{DEPLOYMENTS}/mall/status", put)).body
    assert (answered["status"], answered["spec"]["replicas"]) == ({"replicas": 3}, 1)
    answered["spec"]["replicas"], answered["status"] = 2, {}
    answered = (await api.ask("PUT", f"{DEPLOYMENTS}/mall", answered)).body
    assert (answered["status"], answered["spec"]["replicas"]) == ({"replicas": 3}, 2)


async def test_scale_is_read_and_written(api: Api) -> None:
    await api.ask("POST", DEPLOYMENTS, deployment("mall"))
    scale = (await api.ask("GET", f"{DEPLOYMENTS}/mall/scale")).body
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == (
        "Scale",
        {"replicas": 1},
        "app=mall",
    )
    scale["spec"]["replicas"] = 4
    assert (await api.ask("PUT", f"{DEPLOYMENTS}/mall/scale", scale)).body["spec"] == {"replicas": 4}
    patch = {"spec": {"replicas": 2}}
    patched = await api.ask("PATCH", f"{DEPLOYMENTS}/mall/scale", patch, content_type="application/merge-patch+json")
    assert patched.body["spec"] == {"replicas": 2}
    assert (await api.ask("GET", f"{DEPLOYMENTS}/mall")).body["spec"]["replicas"] == 2
    for wrong in ({}, {"spec": {"replicas": "x"}}, {"spec": {"replicas": -1}}):
        assert (await api.ask("PUT", f"{DEPLOYMENTS}/mall/scale", wrong)).code in (400, 422)


async def test_the_selector_of_a_deployment_cannot_change(api: Api) -> None:
    await api.ask("POST", DEPLOYMENTS, deployment("mall"))
    other = deployment("mall")
    other["spec"]["selector"]["matchLabels"]["app"] = "x"
    other["spec"]["template"]["metadata"]["labels"]["app"] = "x"
    refused = await api.ask("PUT", f"{DEPLOYMENTS}/mall", other)
    assert (refused.code, refused.body["details"]["causes"][0]["field"]) == (422, "spec.selector")


async def test_services_get_an_address_and_node_ports_and_keep_them(api: Api) -> None:
    first = (await api.ask("POST", SERVICES, service("a", type="NodePort"))).body
    second = (await api.ask("POST", SERVICES, service("b", type="NodePort"))).body
    assert first["spec"]["clusterIP"] != second["spec"]["clusterIP"]
    ports = [item["spec"]["ports"][0]["nodePort"] for item in (first, second)]
    assert len(set(ports)) == 2
    assert all(30000 <= port <= 32767 for port in ports)
    again = service("a", type="NodePort")
    again["metadata"]["labels"] = {"x": "y"}
    changed = (await api.ask("PUT", f"{SERVICES}/a", again)).body
    assert changed["spec"] == first["spec"]


async def test_a_node_port_of_another_service_or_process_is_refused(api: Api) -> None:
    first = (await api.ask("POST", SERVICES, service("a", type="NodePort"))).body
    taken = first["spec"]["ports"][0]["nodePort"]
    ports = [{"port": 7000, "nodePort": taken}]
    refused = await api.ask("POST", SERVICES, service("b", type="NodePort", ports=ports))
    (cause,) = refused.body["details"]["causes"]
    assert cause["field"] == "spec.ports[0].nodePort"
    assert cause["message"] == f"{taken} is taken by Service mesh/a"
    with socket.socket() as holder:
        port = next(n for n in range(32767, 30000, -1) if n != taken and _bound(holder, n))
        holder.listen()
        ports = [{"port": 7000, "nodePort": port}]
        refused = await api.ask("POST", SERVICES, service("b", type="NodePort", ports=ports))
    assert refused.code == 422
    assert f"127.0.0.1:{port} is in use by another process" in refused.body["message"]


async def test_whoever_writes_a_dormant_deployment_wakes_it(api: Api) -> None:
    dormant = deployment("mall")
    dormant["metadata"]["annotations"] = {DORMANT: "since up --empty", "a": "b"}
    written = await api.ask("POST", DEPLOYMENTS, dormant)
    assert written.body["metadata"]["annotations"] == {"a": "b"}


async def test_two_services_cannot_have_one_cluster_ip(api: Api) -> None:
    first = (await api.ask("POST", SERVICES, service("a"))).body
    address = first["spec"]["clusterIP"]
    refused = await api.ask("POST", SERVICES, service("b", clusterIP=address))
    (cause,) = refused.body["details"]["causes"]
    assert (refused.code, cause["field"]) == (422, "spec.clusterIPs")
    assert cause["message"] == f"{address} is taken by Service mesh/a"
    assert (await api.ask("POST", SERVICES, service("b", clusterIP="1.2.3.4"))).code == 422


@pytest.mark.parametrize("before", ["NodePort", "LoadBalancer"])
async def test_a_service_can_become_one_of_another_type(api: Api, before: str) -> None:
    outside = {"type": "ExternalName", "externalName": "example.com"}
    await api.ask("POST", SERVICES, service("a", type=before, externalTrafficPolicy="Local"))
    changed = await api.ask("PATCH", f"{SERVICES}/a", {"spec": {"type": "ClusterIP"}}, content_type=MERGE)
    assert changed.code == 200, changed.body
    left = {"nodePort", "externalTrafficPolicy", "allocateLoadBalancerNodePorts", "healthCheckNodePort"}
    assert not left & {*changed.body["spec"], *changed.body["spec"]["ports"][0]}
    changed = await api.ask("PATCH", f"{SERVICES}/a", {"spec": outside}, content_type=MERGE)
    assert changed.code == 200, changed.body
    assert not {"clusterIP", "clusterIPs", "ipFamilies"} & changed.body["spec"].keys()


async def test_a_load_balancer_may_go_without_node_ports(api: Api) -> None:
    body = service("a", type="LoadBalancer", allocateLoadBalancerNodePorts=False)
    assert "nodePort" not in (await api.ask("POST", SERVICES, body)).body["spec"]["ports"][0]


def _bound(holder: socket.socket, port: int) -> bool:
    try:
        holder.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


async def test_istio_objects_are_shown_at_the_version_that_is_asked_for(api: Api) -> None:
    await api.ask("POST", f"{RULES}/destinationrules", destination_rule("products", "v1"))
    old = "/apis/networking.istio.io/v1beta1/namespaces/mesh/destinationrules"
    assert (await api.ask("GET", f"{old}/products")).body["apiVersion"] == "networking.istio.io/v1beta1"
    assert (await api.ask("GET", old)).body["items"][0]["apiVersion"] == "networking.istio.io/v1beta1"


async def test_lists_are_selected_by_labels_and_fields_and_come_in_pages(api: Api) -> None:
    for name, tier in (("a", "front"), ("b", "back"), ("c", "back")):
        await api.ask("POST", CONFIGS, config(name, labels={"tier": tier}))

    async def names(query: str) -> list[str]:
        answer = await api.ask("GET", f"{CONFIGS}?{query}")
        return [item["metadata"]["name"] for item in answer.body["items"]]

    assert await names("labelSelector=tier%3Dback") == ["b", "c"]
    assert await names("labelSelector=tier%20notin%20(back),!x") == ["a", "kube-root-ca.crt"]
    assert await names("fieldSelector=metadata.name!%3Db") == ["a", "c", "kube-root-ca.crt"]
    first = (await api.ask("GET", f"{CONFIGS}?limit=2")).body
    assert first["metadata"]["remainingItemCount"] == 2
    assert await names(f"limit=2&continue={first['metadata']['continue']}") == ["c", "kube-root-ca.crt"]
    assert (await api.ask("GET", f"{CONFIGS}?labelSelector=%3D%3D")).code == 400
    assert (await api.ask("GET", f"{CONFIGS}?fieldSelector=spec.x%3Dy")).code == 400


async def test_a_collection_is_deleted_by_label(api: Api) -> None:
    await api.ask("POST", CONFIGS, config("a", labels={"x": "1"}))
    await api.ask("POST", CONFIGS, config("b"))
    await api.ask("DELETE", f"{CONFIGS}?labelSelector=x")
    names = {configmap.ref.name for configmap in api.store.list("", "ConfigMap")}
    assert names == {"b", "kube-root-ca.crt"}


async def test_deleting_asks_for_what_the_client_had_seen(api: Api) -> None:
    await api.ask("POST", CONFIGS, config("a"))
    refused = await api.ask("DELETE", f"{CONFIGS}/a", {"preconditions": {"uid": "another"}})
    assert refused.code == 409
    assert (await api.ask("DELETE", f"{CONFIGS}/a?dryRun=All")).code == 200
    assert (await api.ask("GET", f"{CONFIGS}/a")).code == 200


async def test_a_namespace_ends_with_its_last_pod(api: Api) -> None:
    pod = Ref("", "Pod", "mesh", "p")
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": []}}
    api.store.commit([Put(pod, body)])
    ending = await api.ask("DELETE", "/api/v1/namespaces/mesh")
    assert ending.body["status"]["phase"] == "Terminating"
    refused = await api.ask("POST", CONFIGS, config("a"))
    assert (refused.code, refused.body["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")
    from mesh.store import Delete  # noqa: PLC0415

    async with api.store.watch("", "Namespace") as watch:
        api.store.commit([Delete(pod)])
        event = await asyncio.wait_for(anext(watch), 10)
    assert (event.type, event.object.ref.name) == ("DELETED", "mesh")
    assert (await api.ask("POST", "/api/v1/namespaces", namespace("mesh"))).code == 201


async def test_what_an_owner_leaves_behind_is_collected(api: Api) -> None:
    owner = (await api.ask("POST", CONFIGS, config("owner"))).body
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    await api.ask("POST", CONFIGS, config("child", ownerReferences=[reference]))
    from mesh.store import Delete  # noqa: PLC0415

    async with api.store.watch("", "ConfigMap") as watch:
        api.store.commit([Delete(Ref("", "ConfigMap", "mesh", "owner"))])
        events = [await asyncio.wait_for(anext(watch), 10) for _ in range(2)]
    assert [(event.type, event.object.ref.name) for event in events] == [
        ("DELETED", "owner"),
        ("DELETED", "child"),
    ]


async def test_what_comes_too_late_for_its_owner_is_collected(api: Api) -> None:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "1-2-3"}
    async with api.store.watch("", "ConfigMap") as watch:
        await api.ask("POST", CONFIGS, config("child", ownerReferences=[reference]))
        events = [await asyncio.wait_for(anext(watch), 10) for _ in range(2)]
    assert [event.type for event in events] == ["ADDED", "DELETED"]


async def test_discovery_tells_the_kinds(api: Api) -> None:
    groups = (await api.ask("GET", "/apis")).body["groups"]
    assert {"apps", "networking.istio.io"} <= {group["name"] for group in groups}
    assert (await api.ask("GET", "/api")).body["versions"] == ["v1"]
    core = (await api.ask("GET", "/api/v1")).body["resources"]
    assert {"pods", "pods/log", "services", "namespaces"} <= {item["name"] for item in core}
    (rule,) = [
        resource
        for resource in (await api.ask("GET", "/apis/networking.istio.io/v1")).body["resources"]
        if resource["name"] == "virtualservices"
    ]
    assert (rule["kind"], rule["shortNames"], rule["namespaced"]) == ("VirtualService", ["vs"], True)
    assert (await api.ask("GET", "/apis/nothing")).code == 404


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/things", 404),
        ("GET", "/api/v2/pods", 404),
        ("GET", "/api/v1/pods/x", 404),
        ("GET", "/api/v1/namespaces/mesh/namespaces/x", 404),
        ("POST", "/api/v1/configmaps", 405),
        ("PUT", CONFIGS, 405),
        ("PUT", "/mesh/v1/status", 405),
        ("GET", "/mesh/v1/nothing", 404),
        ("POST", f"{DEPLOYMENTS}/x/exec", 404),
        ("POST", CONFIGS, 400),
        ("GET", f"{CONFIGS}?limit=many", 400),
    ],
)
async def test_every_refusal_is_a_status_object(api: Api, method: str, path: str, code: int) -> None:
    answer = await api.ask(method, path)
    assert (answer.code, answer.body["kind"], answer.body["code"]) == (code, "Status", code)
    assert answer.body["message"]
    assert answer.body["reason"]


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b"7", b"\xff", b'{"metadata": 7}', b'{"metadata": {"name": 7}}', b"[" * 100_000]
)
async def test_bodies_that_are_no_objects_are_refused(api: Api, raw: bytes) -> None:
    version = api.store.version
    for method, path in (("POST", CONFIGS), ("POST", "/mesh/v1/apply"), ("POST", "/mesh/v1/delete")):
        answer = await api.ask(method, path, raw)
        assert answer.code in (400, 422), (method, path, answer.body)
        assert answer.body["kind"] == "Status"
    assert api.store.version == version


async def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    answer = await api.ask("POST", CONFIGS, json.dumps(config("a", "x" * (3 << 20))).encode())
    assert (answer.code, answer.body["reason"]) == (413, "RequestEntityTooLarge")


async def test_the_namespace_of_the_kubeconfig_is_there_from_the_start(api: Api) -> None:
    answer = await api.ask("GET", "/api/v1/namespaces")
    assert {item["metadata"]["name"] for item in answer.body["items"]} >= {"default", "mesh"}


async def test_pods_keep_what_their_processes_were_started_with(api: Api) -> None:
    pods = "/api/v1/namespaces/mesh/pods"
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i:1"}], "tolerations": [{"key": "b", "operator": "Exists"}]},
    }
    stored = (await api.ask("POST", pods, body)).body
    spec = stored["spec"]
    (container,) = spec["containers"]
    extra = {"key": "a", "operator": "Exists"}
    for changed, field in (
        ({**spec, "containers": [{**container, "env": [{"name": "A", "value": "b"}]}]}, "spec"),
        ({**spec, "restartPolicy": "Never"}, "spec"),
        ({**spec, "containers": [container, {"name": "d", "image": "i"}]}, "spec.containers"),
        ({**spec, "tolerations": []}, "spec.tolerations"),
    ):
        refused = await api.ask("PUT", f"{pods}/p", {**stored, "spec": changed})
        causes = refused.body["details"]["causes"]
        assert (refused.code, field in [cause["field"] for cause in causes]) == (422, True), refused.body
    image = {**spec, "containers": [{**container, "image": "i:2"}], "tolerations": [*spec["tolerations"], extra]}
    assert (await api.ask("PUT", f"{pods}/p", {**stored, "spec": image})).code == 200


async def test_a_pod_whose_account_or_priority_does_not_exist_is_not_admitted(api: Api) -> None:
    pods = "/api/v1/namespaces/mesh/pods"
    container = {"name": "c", "image": "i"}

    def pod(**spec: object) -> dict[str, object]:
        spec = {"containers": [container], **spec}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}

    for spec in ({"serviceAccountName": "robot"}, {"priorityClassName": "high"}):
        refused = await api.ask("POST", pods, pod(**spec))
        assert (refused.code, refused.body["reason"]) == (403, "Forbidden"), refused.body
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    await api.ask("POST", "/api/v1/namespaces/mesh/serviceaccounts", account)
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 7}
    await api.ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", high)
    stored = await api.ask("POST", pods, pod(serviceAccountName="robot", priorityClassName="high"))
    assert (stored.code, stored.body["spec"]["priority"]) == (201, 7), stored.body


async def test_only_kinds_with_a_desired_state_have_a_generation(api: Api) -> None:
    listed = await api.ask("GET", "/api/v1/namespaces")
    assert all("generation" not in item["metadata"] for item in listed.body["items"])
    stored = await api.ask("POST", DEPLOYMENTS, deployment("mall"))
    assert stored.body["metadata"]["generation"] == 1


async def test_a_node_that_somebody_writes_is_listed(api: Api) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    assert (await api.ask("POST", "/api/v1/nodes", node)).code == 201
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    listed = await api.ask("GET", "/api/v1/nodes", headers=table)
    assert ["n", "Unknown"] in [row["cells"][:2] for row in listed.body["rows"]]
