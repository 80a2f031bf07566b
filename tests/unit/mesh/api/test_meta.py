"""Discovery, schemas, tables, reviews: what a stock kubectl asks besides objects."""

import asyncio
import json
from typing import Any

import pytest

from mesh.resources.kinds import REGISTRY
from mesh.resources.values.durations import human_duration
from mesh.resources.values.ref import Ref
from mesh.store import Put
from tests.support.api import KUBECTL, Api, Kubectl
from tests.support.manifests import config, deployment, namespace, service, virtual_service
from tests.support.places import DEPLOY

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
with_kubectl = pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl on this machine")


def pod(name: str, **status: Any) -> Put:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": "Running", "podIP": "127.9.0.1", **status},
    }
    return Put(Ref("", "Pod", "mesh", name), body)


async def test_the_schema_of_a_field_says_what_it_does(api: Api) -> None:
    document = (await api.ask("GET", "/openapi/v3/apis/meshmall.dev/v1")).body
    spec = document["components"]["schemas"]["io.meshmall.meshmall.branch.BranchSpec"]["properties"]
    assert "`fail` (503, the default)" in spec["fallback"]["description"]
    pods = (await api.ask("GET", "/openapi/v3/api/v1")).body["components"]["schemas"]["io.meshmall.core.pod.Container"]
    assert pods["properties"]["imagePullPolicy"]["description"].endswith("no effect on one machine.")


@with_kubectl
async def test_kubectl_explains_a_field(api: Api, kubectl: Kubectl) -> None:
    assert "default `48h`" in " ".join((await kubectl("explain", "branch.spec.expires")).split())


async def test_every_kind_has_a_schema_in_the_document_of_its_version(api: Api) -> None:
    paths = (await api.ask("GET", "/openapi/v3")).body["paths"]
    for definition in REGISTRY.all():
        for version in definition.versions:
            path = f"apis/{definition.group}/{version}" if definition.group else f"api/{version}"
            document = (await api.ask("GET", paths[path]["serverRelativeURL"])).body
            kind = {"group": definition.group, "version": version, "kind": definition.kind}
            schemas = document["components"]["schemas"].values()
            assert any(kind in schema.get("x-kubernetes-group-version-kind", ()) for schema in schemas), kind
            patches = [item["patch"] for item in document["paths"].values() if "patch" in item]
            (own,) = [patch for patch in patches if patch["x-kubernetes-group-version-kind"] == kind]
            assert "fieldValidation" in [parameter["name"] for parameter in own["parameters"]]


async def test_references_in_schemas_lead_somewhere(api: Api) -> None:
    for path in (await api.ask("GET", "/openapi/v3")).body["paths"]:
        document = (await api.ask("GET", f"/openapi/v3/{path}")).body
        named = set(document["components"]["schemas"])
        text = json.dumps(document)
        for part in text.split('"#/components/schemas/')[1:]:
            assert part.partition('"')[0] in named
    two = (await api.ask("GET", "/openapi/v2")).body
    assert {part.partition('"')[0] for part in json.dumps(two).split('"#/definitions/')[1:]} <= set(two["definitions"])


async def test_aggregated_discovery_tells_the_same_as_the_plain_one(api: Api) -> None:
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    groups = json.loads((await api.ask("GET", "/apis", headers=accept)).body)["items"]
    plain = (await api.ask("GET", "/apis")).body["groups"]
    assert [item["metadata"]["name"] for item in groups] == [item["name"] for item in plain]
    for group in groups:
        for version in group["versions"]:
            path = f"/apis/{group['metadata']['name']}/{version['version']}"
            listed = {resource["name"] for resource in (await api.ask("GET", path)).body["resources"]}
            told = {resource["resource"] for resource in version["resources"]}
            beneath = {
                f"{resource['resource']}/{sub['subresource']}"
                for resource in version["resources"]
                for sub in resource.get("subresources", ())
            }
            assert listed == told | beneath


async def test_a_table_has_as_many_cells_as_columns_for_every_kind(api: Api) -> None:
    api.store.commit([pod("a")])
    await api.ask("POST", "/api/v1/namespaces/mesh/services", service("a"))
    await api.ask("POST", "/apis/apps/v1/namespaces/mesh/deployments", deployment("a"))
    for definition in REGISTRY.all():
        root = (
            f"/apis/{definition.group}/{definition.versions[0]}"
            if definition.group
            else f"/api/{definition.versions[0]}"
        )
        table = (await api.ask("GET", f"{root}/{definition.plural}", headers={"Accept": TABLE})).body
        assert table["kind"] == "Table", definition.kind
        for row in table["rows"]:
            assert len(row["cells"]) == len(table["columnDefinitions"])
            assert row["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (303, "5m3s"),
        (720, "12m"),
        (10800, "3h"),
        (11040, "3h4m"),
        (172800, "2d"),
    ],
)
def test_a_duration_is_told_as_kubernetes_tells_it(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text


@with_kubectl
async def test_the_mall_deploys_with_the_two_commands_of_any_cluster(api: Api, kubectl: Kubectl) -> None:
    first = await kubectl("apply", "-f", f"{DEPLOY}/mesh-mall-v1.yaml", "-n", "mesh")
    second = await kubectl("apply", "-f", f"{DEPLOY}/mesh-routing.yaml", "-n", "mesh")
    assert "deployment.apps/products-v1 created" in first
    assert "destinationrule.networking.istio.io/products created" in second
    again = await kubectl("apply", "-f", f"{DEPLOY}/mesh-routing.yaml", "-n", "mesh")
    assert {line.rpartition(" ")[2] for line in again.splitlines()} == {"unchanged"}


@with_kubectl
async def test_a_misspelt_field_is_refused(api: Api, kubectl: Kubectl) -> None:
    wrong = virtual_service("products")
    wrong["spec"]["http"][0]["mtch"] = []
    out = await kubectl("apply", "--validate=strict", "-f", kubectl.file(wrong), fails=True)
    assert 'unknown field "spec.http[0].mtch"; did you mean "match"?' in out
    assert api.store.list("networking.istio.io", "VirtualService") == []


@with_kubectl
async def test_a_kind_that_nobody_has_is_told_as_such(api: Api, kubectl: Kubectl) -> None:
    body: dict[str, Any] = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRule", "metadata": {"name": "a"}}
    out = await kubectl("apply", "-f", kubectl.file(body), fails=True)
    assert 'no matches for kind "HTTPRule" in version "gateway.networking.k8s.io/v1"' in out


@with_kubectl
async def test_fields_are_explained(api: Api, kubectl: Kubectl) -> None:
    out = await kubectl("explain", "virtualservice.spec.http.match")
    assert "FIELD: match <[]HTTPMatchRequest>" in out
    assert "headers\t<map[string]StringMatch>" in out
    assert "replicas" in await kubectl("explain", "deployment.spec")


@with_kubectl
async def test_kinds_that_steer_a_clusters_machinery_are_applied_twice_and_shown(api: Api, kubectl: Kubectl) -> None:
    policy: dict[str, Any] = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "few-replicas"},
        "spec": {"validations": [{"expression": "object.spec.replicas <= 5"}]},
    }
    runtime: dict[str, Any] = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
    }
    route: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1alpha2",
        "kind": "TCPRoute",
        "metadata": {"name": "database"},
        "spec": {"rules": [{"backendRefs": [{"name": "db", "port": 5432}]}]},
    }
    out = await kubectl("apply", "-f", kubectl.file(policy, runtime, route))
    assert out.count("has no effect here: ") == 2
    # kubectl knows the first two by itself, and sends a strategic merge patch for them.
    policy["spec"]["validations"].append({"expression": "true"})
    runtime["metadata"]["labels"] = {"a": "b"}
    route["spec"]["rules"][0]["backendRefs"][0]["port"] = 5433
    out = await kubectl("apply", "-f", kubectl.file(policy, runtime, route))
    assert out.count("configured") == 3
    assert (await kubectl("get", "validatingadmissionpolicies", "--no-headers")).split()[:3] == [
        "few-replicas", "2", "<unset>",
    ]  # fmt: skip
    assert (await kubectl("get", "runtimeclass", "--no-headers")).split()[:2] == ["gvisor", "runsc"]
    assert "database" in await kubectl("get", "tcproutes")


@with_kubectl
async def test_an_object_that_nothing_describes_does_not_hide_the_others_of_its_kind(
    api: Api, kubectl: Kubectl
) -> None:
    odd: dict[str, Any] = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": "odd"},
        "spec": "text",
    }
    good: dict[str, Any] = {**odd, "metadata": {"name": "good"}, "spec": {"drivers": [{"name": "d", "nodeID": "n"}]}}
    await kubectl("create", "--validate=false", "-f", kubectl.file(odd, good))
    rows = [line.split()[:2] for line in (await kubectl("get", "csinodes", "--no-headers")).splitlines()]
    assert rows == [["good", "1"], ["odd", "<unknown>"]]


@with_kubectl
async def test_kinds_without_effect_are_stored_and_say_so(api: Api, kubectl: Kubectl) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    role: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "system:reader"},
        "rules": rules,
    }
    quota: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "3"}},
    }
    file = kubectl.file(role, quota)
    out = await kubectl("apply", "-f", file)
    assert "Warning: Role mesh/system:reader: has no effect here: anybody with the mesh's kubeconfig may do" in out
    assert "Warning: ResourceQuota mesh/few: has no effect here: the mesh enforces no limits" in out
    assert (await kubectl("apply", "-f", file)).count("unchanged") == 2
    assert json.loads(await kubectl("get", "role", "system:reader", "-o", "json"))["rules"] == rules
    quota["spec"]["hard"]["pods"] = "4"
    await kubectl("apply", "-f", kubectl.file(quota))
    assert json.loads(await kubectl("get", "quota", "few", "-o", "json"))["spec"] == {"hard": {"pods": "4"}}
    await kubectl("delete", "-f", file)


@with_kubectl
async def test_objects_are_printed_in_the_columns_of_a_cluster(api: Api, kubectl: Kubectl) -> None:
    waiting = {"name": "main", "ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    api.store.commit([pod("mall"), pod("users", containerStatuses=[waiting])])
    await kubectl(
        "apply", "-f", kubectl.file(service("mall"), deployment("mall"), config("c"), virtual_service("mall"))
    )

    async def shown(*arguments: str) -> list[list[str]]:
        return [line.split() for line in (await kubectl("get", *arguments)).splitlines()]

    header, mall, users = await shown("pods", "--sort-by=.metadata.name")
    assert header == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert (mall[:3], users[:4]) == (["mall", "0/1", "Running"], ["users", "0/1", "CrashLoopBackOff", "3"])
    assert (await shown("pods", "-o", "wide"))[0][5:8] == ["IP", "NODE", "NOMINATED"]
    assert (await shown("pods", "--show-labels"))[1][-1] == "app=mall"
    assert (await shown("pods", "-L", "app"))[0][-1] == "APP"
    assert [row[0] for row in await shown("pods", "--field-selector", "metadata.name=users", "--no-headers")] == [
        "users"
    ]
    assert (await shown("deploy"))[0] == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert (await shown("svc"))[0] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert (await shown("vs"))[1][:2] == ["mall", '["mall"]']
    assert (await shown("cm"))[1][:2] == ["c", "1"]
    assert (await shown("ns", "mesh"))[1][:2] == ["mesh", "Active"]
    assert (await shown("pods", "-A"))[1][0] == "mesh"
    assert await kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}") == "mall users"
    assert await kubectl("get", "pods", "-o", "name") == "pod/mall\npod/users\n"


@with_kubectl
async def test_a_watch_prints_each_change_as_a_row(api: Api, kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file(config("a")))
    watching = asyncio.create_task(kubectl("get", "cm", "-w", "--request-timeout=4s", fails=None))
    number = 0
    while not watching.done():
        number += 1
        changed = {**config("a"), "data": {str(number): "1", "b": "2"}}
        api.store.commit([Put(Ref("", "ConfigMap", "mesh", "a"), changed)])
        await asyncio.wait([watching], timeout=0.2)
    rows = [line.split()[:2] for line in (await watching).splitlines()[1:]]
    assert rows[0][0] == "a"
    assert ["a", "2"] in rows


@with_kubectl
async def test_who_got_in_may_do_everything(api: Api, kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "delete", "pods")).strip() == "yes"
    assert "*.*" in await kubectl("auth", "can-i", "--list")
    assert "meshmall" in await kubectl("auth", "whoami")
    assert "is running at" in await kubectl("cluster-info")
    assert "Server Version: v1.32" in await kubectl("version")


@with_kubectl
async def test_the_machine_is_the_one_node(api: Api, kubectl: Kubectl) -> None:
    _, row = (await kubectl("get", "nodes")).splitlines()
    assert row.split()[:3] == ["localhost", "Ready", "control-plane"]
    described = await kubectl("describe", "node", "localhost")
    assert "KubeletReady" in described
    assert "localhost" in await kubectl("top", "nodes")
    assert "No resource quota." in await kubectl("describe", "namespace", "mesh")


async def test_a_review_of_another_kind_is_refused(api: Api) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert (await api.ask("POST", path, {"kind": "SelfSubjectRulesReview"})).code == 400
    assert (await api.ask("POST", path, {"spec": {}})).body["status"]["allowed"] is True
    assert (await api.ask("GET", path)).code == 405


async def test_usage_of_a_pod_that_is_not_there_is_not_found(api: Api) -> None:
    root = "/apis/metrics.k8s.io/v1beta1"
    assert (await api.ask("GET", f"{root}/namespaces/mesh/pods/none")).code == 404
    assert (await api.ask("GET", f"{root}/other")).code == 404
    assert (await api.ask("POST", f"{root}/pods", namespace("a"))).code == 405
