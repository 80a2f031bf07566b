"""CustomResourceDefinitions: kinds that users bring, with a stock kubectl and without."""

import copy
import json
from random import Random
from typing import Any

import pytest

from mesh.api.objects.json_paths import find
from mesh.api.server import ApiServer, ApiSettings
from mesh.store import Store
from tests.support.api import KUBECTL, Api, Kubectl, StandInAllocator, StandInLogs, StandInPlane
from tests.support.manifests import namespace

Body = dict[str, Any]
OBJECTS = "/apis/stable.example.com/v1/namespaces/mesh/crontabs"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAME = "crontabs.stable.example.com"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
with_kubectl = pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl on this machine")


def definition(**version: Any) -> Body:
    spec = {
        "type": "object",
        "required": ["cronSpec"],
        "properties": {
            "cronSpec": {"type": "string", "pattern": r"^(\S+\s+){4}\S+$", "description": "When it runs."},
            "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
            "port": {"x-kubernetes-int-or-string": True},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec, "status": status}}
    columns = [
        {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Port", "type": "string", "jsonPath": ".spec.port", "priority": 1},
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME, "creationTimestamp": None},
        "spec": {
            "group": "stable.example.com",
            "scope": "Namespaced",
            "names": {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"]},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    **version,
                }
            ],
        },
    }


def crontab(name: str = "nightly", **spec: Any) -> Body:
    return {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": name},
        "spec": {"cronSpec": "0 3 * * *", **spec},
    }


def fields(answer: Any) -> list[str]:
    return [cause["field"] for cause in answer.body["details"]["causes"]]


async def test_a_kind_is_served_from_the_moment_it_is_defined(api: Api) -> None:
    assert (await api.ask("GET", OBJECTS)).code == 404
    made = await api.ask("POST", DEFINITIONS, definition())
    assert made.code == 201
    conditions = {condition["type"]: condition["status"] for condition in made.body["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    listed = (await api.ask("GET", "/apis/stable.example.com/v1")).body["resources"]
    assert [(item["name"], item["kind"]) for item in listed] == [
        ("crontabs", "CronTab"),
        ("crontabs/status", "CronTab"),
    ]
    assert (await api.ask("POST", OBJECTS, crontab())).code == 201
    assert [item["metadata"]["name"] for item in (await api.ask("GET", OBJECTS)).body["items"]] == ["nightly"]


async def test_objects_get_defaults_and_are_held_against_the_schema(api: Api) -> None:
    await api.ask("POST", DEFINITIONS, definition())
    free = {"deep": [1, {"er": True}]}
    made = await api.ask("POST", OBJECTS, crontab(port="http", free=free, limits={"a": 1}))
    assert made.body["spec"] == {
        "cronSpec": "0 3 * * *",
        "replicas": 1,
        "port": "http",
        "free": free,
        "limits": {"a": 1},
    }
    wrong = await api.ask("POST", OBJECTS, crontab("b", replicas=20, replicass=1, port=[], limits={"a": "x"}))
    assert wrong.code == 422
    assert sorted(fields(wrong)) == ["spec.limits.a", "spec.port", "spec.replicas"]
    misspelt = crontab("b", replicass=1)
    refused = await api.ask("POST", f"{OBJECTS}?fieldValidation=Strict", misspelt)
    assert (refused.code, refused.body["reason"]) == (400, "BadRequest")
    assert 'unknown field "spec.replicass"; did you mean "replicas"?' in refused.body["message"]
    for query, warnings in (("?dryRun=All", 1), ("?dryRun=All&fieldValidation=Ignore", 0)):
        pruned = await api.ask("POST", OBJECTS + query, misspelt)
        assert (pruned.code, "replicass" in pruned.body["spec"]) == (201, False)
        assert len(pruned.headers.get_all("warning") or []) == warnings
    missing = crontab("c")
    del missing["spec"]
    assert "spec" in (await api.ask("POST", OBJECTS, missing)).body["message"]
    assert [item.ref.name for item in api.store.list("stable.example.com", "CronTab")] == ["nightly"]


async def test_status_is_a_subresource_where_the_definition_says_so(api: Api) -> None:
    await api.ask("POST", DEFINITIONS, definition())
    assert "status" not in (await api.ask("POST", OBJECTS, {**crontab(), "status": {"a": 1}})).body
    patch = {"spec": {"replicas": 5}, "status": {"phase": "Done"}}
    merge = "application/merge-patch+json"
    done = await api.ask("PATCH", f"{OBJECTS}/nightly/status", patch, content_type=merge)
    assert (done.body["status"], done.body["spec"]["replicas"]) == ({"phase": "Done"}, 1)
    again = await api.ask("PATCH", f"{OBJECTS}/nightly", patch | {"status": {"phase": "No"}}, content_type=merge)
    assert (again.body["status"], again.body["spec"]["replicas"]) == ({"phase": "Done"}, 5)


async def test_status_is_an_ordinary_field_where_it_does_not(api: Api) -> None:
    await api.ask("POST", DEFINITIONS, definition(subresources={}))
    assert (await api.ask("POST", OBJECTS, {**crontab(), "status": {"a": 1}})).body["status"] == {"a": 1}
    assert (await api.ask("GET", f"{OBJECTS}/nightly/status")).code == 404


async def test_with_a_definition_go_all_objects_of_its_kind(api: Api) -> None:
    await api.ask("POST", DEFINITIONS, definition())
    await api.ask("POST", OBJECTS, crontab())
    assert (await api.ask("DELETE", f"{DEFINITIONS}/{NAME}")).code == 200
    assert api.store.list("stable.example.com", "CronTab") == []
    assert (await api.ask("GET", OBJECTS)).code == 404
    assert (await api.ask("GET", "/apis/stable.example.com")).code == 404


async def test_a_definition_and_its_objects_may_come_in_one_change(api: Api) -> None:
    done = await api.run(api.client().apply, [crontab(), definition()], namespace="mesh")
    assert [result.result for result in done.results] == ["created", "created"]
    (stored,) = api.store.list("stable.example.com", "CronTab")
    assert stored.body["spec"]["replicas"] == 1


async def test_kinds_that_were_defined_are_there_after_a_restart(settings: ApiSettings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / "store.db"
    for restarted in (False, True):
        store = Store.open(path)
        server = ApiServer(
            store, settings, plane=StandInPlane(), logs=StandInLogs(), allocator=StandInAllocator(), status=dict
        )
        api = Api(server, await server.start(), settings.home, store)
        try:
            if not restarted:
                await api.ask("POST", "/api/v1/namespaces", namespace("mesh"))
                await api.ask("POST", DEFINITIONS, definition())
            assert (await api.ask("POST", OBJECTS, crontab(f"c{restarted:d}"))).body["spec"]["replicas"] == 1
        finally:
            await server.stop()
            store.close()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"metadata": {"name": "other.stable.example.com"}}, "metadata.name"),
        ({"spec": {"group": "nodots"}}, "spec.group"),
        ({"spec": {"scope": "Everywhere"}}, "spec.scope"),
        ({"spec": {"names": {"plural": "CronTabs"}}}, "spec.names.plural"),
        ({"spec": {"versions": []}}, "spec.versions"),
        ({"spec": {"versions": [{"name": "v1", "served": True, "storage": True}]}}, "openAPIV3Schema"),
        (
            {"spec": {"versions": [{**definition()["spec"]["versions"][0], "storage": False}]}},
            "spec.versions",
        ),
        (
            {
                "spec": {
                    "versions": [
                        {
                            "name": "v1",
                            "served": True,
                            "storage": True,
                            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {"pattern": "("}}}},
                        }
                    ]
                }
            },
            "is not a schema",
        ),
    ],
)
async def test_a_wrong_definition_is_refused_by_field(api: Api, wrong: Body, field: str) -> None:
    merge = "application/merge-patch+json"
    body = definition()
    for part, change in wrong.items():
        body[part] = {**body[part], **change}
    if "names" in wrong.get("spec", {}):
        body["spec"]["names"] = {**definition()["spec"]["names"], **wrong["spec"]["names"]}
    answer = await api.ask("POST", DEFINITIONS, body)
    assert answer.code == 422, answer.body
    assert field in answer.body["message"]
    await api.ask("POST", DEFINITIONS, definition())
    assert (await api.ask("PATCH", f"{DEFINITIONS}/{NAME}", wrong, content_type=merge)).code in (400, 422)


async def test_kind_and_group_of_a_definition_cannot_change(api: Api) -> None:
    await api.ask("POST", DEFINITIONS, definition())
    patch = {"spec": {"scope": "Cluster", "names": {"kind": "Other"}}}
    answer = await api.ask("PATCH", f"{DEFINITIONS}/{NAME}", patch, content_type="application/merge-patch+json")
    assert sorted(fields(answer)) == ["spec.names.kind", "spec.scope"]


async def test_a_definition_of_a_kind_that_the_mesh_has_changes_nothing_and_says_so(api: Api) -> None:
    body = definition()
    body["metadata"]["name"] = "virtualservices.networking.istio.io"
    body["spec"]["group"] = "networking.istio.io"
    body["spec"]["names"] = {"plural": "virtualservices", "kind": "VirtualService"}
    answer = await api.ask("POST", DEFINITIONS, body)
    assert "already" in answer.headers["warning"]
    rule: Body = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "a"},
        "spec": {"hosts": ["a"], "http": [{"redirect": {"uri": "/b"}}]},
    }
    path = "/apis/networking.istio.io/v1/namespaces/mesh/virtualservices"
    assert (await api.ask("POST", path, rule)).code == 201
    await api.ask("DELETE", f"{DEFINITIONS}/virtualservices.networking.istio.io")
    assert (await api.ask("GET", f"{path}/a")).code == 200


async def test_a_kind_may_have_a_name_that_the_mesh_knows_in_another_group(api: Api) -> None:
    body = definition()
    body["metadata"]["name"] = "services.stable.example.com"
    body["spec"]["names"] = {"plural": "services", "kind": "Service"}
    assert (await api.ask("POST", DEFINITIONS, body)).code == 201
    path = "/apis/stable.example.com/v1/namespaces/mesh/services"
    made = await api.ask("POST", path, {**crontab(), "kind": "Service"})
    assert (made.code, "clusterIP" in made.body["spec"]) == (201, False)
    assert (await api.ask("GET", "/api/v1/namespaces/mesh/services")).body["items"] == []


@with_kubectl
async def test_kubectl_prints_explains_and_deletes_what_was_defined(api: Api, kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file(definition()))
    assert "unchanged" in await kubectl("apply", "-f", kubectl.file(definition()))
    await kubectl("wait", "--for=condition=Established", f"crd/{NAME}", "--timeout=30s")
    await kubectl("apply", "-f", kubectl.file(crontab(port=80)))
    status = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    await kubectl("patch", "ct", "nightly", "--subresource=status", "--type=merge", "-p", status)
    header, row = (await kubectl("get", "ct")).splitlines()
    assert header.split() == ["NAME", "SPEC", "REPLICAS", "READY"]
    assert row.split() == ["nightly", "0", "3", "*", "*", "*", "1", "True"]
    assert (await kubectl("get", "ct", "-o", "wide")).splitlines()[1].split()[-1] == "80"
    assert "crontab.stable.example.com/nightly" in await kubectl("get", "all")
    assert "When it runs." in await kubectl("explain", "crontab.spec.cronSpec")
    refused = await kubectl("apply", "-f", kubectl.file(crontab(replicas=11)), fails=True)
    assert "spec.replicas: 11 is greater than the maximum of 10" in refused
    await kubectl("delete", "crd", NAME)
    assert "the server" in await kubectl("get", "ct", fails=True)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.replicas", [3]),
        ("spec.replicas", [3]),
        ("{.spec.replicas}", [3]),
        ('.list[?(@.type=="b")].value', [2]),
        (".list[*].value", [1, 2]),
        (".list[-1].value", [2]),
        (".list[7].value", []),
        (r".labels.app\.io/name", ["x"]),
        (".labels['app.io/name']", ["x"]),
        (".spec.missing.deeper", []),
        (".spec[", []),
    ],
)
def test_a_json_path_finds(path: str, found: list[Any]) -> None:
    body = {
        "spec": {"replicas": 3},
        "list": [{"type": "a", "value": 1}, {"type": "b", "value": 2}],
        "labels": {"app.io/name": "x"},
    }
    assert find(body, path) == found


ODD: list[Any] = ["", "x", 0, -1, 1.5, True, [], {}, [None], [[]], {"": ""}, "../..", {"type": 1}, "(", {"$ref": "#"}]


def mutated(body: Body, random: Random) -> Body:
    """The body with one to three odd things somewhere in it."""
    changed: Body = copy.deepcopy(body)
    for _ in range(random.randint(1, 3)):
        place: Any = changed
        while True:
            keys: Any = list(place) if isinstance(place, dict) else range(len(place))
            key = random.choice(keys)
            below = place[key]
            if not isinstance(below, dict | list) or not below or random.random() < 0.2:
                break
            place = below
        if random.random() < 0.3:
            del place[key]
        else:
            place[key] = copy.deepcopy(random.choice(ODD))
        if not changed:
            break
    return changed


@pytest.mark.parametrize("seed", range(4))
async def test_no_definition_and_no_object_however_odd_breaks_the_server(api: Api, seed: int) -> None:
    random = Random(seed)
    for _ in range(60):
        answer = await api.ask("POST", DEFINITIONS, mutated(definition(), random))
        assert answer.code in (201, 400, 404, 409, 422), answer.body
        if answer.code == 201:
            await api.ask("DELETE", f"{DEFINITIONS}/{answer.body['metadata']['name']}")
        else:
            assert answer.body["kind"] == "Status"
            assert answer.body["message"]
    assert api.store.list("apiextensions.k8s.io", "CustomResourceDefinition") == []
    await api.ask("POST", DEFINITIONS, definition())
    full = crontab(port=80, free={"a": [1, {"b": 2}]}, limits={"a": 1}, replicas=3)
    for _ in range(60):
        before = api.store.version
        answer = await api.ask("POST", OBJECTS, mutated(full, random))
        assert answer.code in (201, 400, 404, 409, 422), answer.body
        assert answer.code == 201 or api.store.version == before
        assert (await api.ask("GET", OBJECTS, headers={"Accept": TABLE})).code == 200


SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.running"}


async def test_a_custom_resource_is_scaled_where_its_definition_says(api: Api) -> None:
    selector = {"labelSelectorPath": ".status.selector"}
    subresources = {"status": {}, "scale": {**SCALE, **selector}}
    assert (await api.ask("POST", DEFINITIONS, definition(subresources=subresources))).code == 201
    assert (await api.ask("POST", OBJECTS, crontab(replicas=3))).code == 201
    path = f"{OBJECTS}/nightly"
    status = {"status": {"running": 2, "selector": "app=cron"}}
    merge = "application/merge-patch+json"
    assert (await api.ask("PATCH", f"{path}/status", status, content_type=merge)).code == 200
    scale = (await api.ask("GET", f"{path}/scale")).body
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 3},
        {"replicas": 2, "selector": "app=cron"},
    )
    reply = await api.ask("PATCH", f"{path}/scale", {"spec": {"replicas": 5}}, content_type=merge)
    assert (reply.code, reply.body["spec"]) == (200, {"replicas": 5})
    assert (await api.ask("GET", path)).body["spec"] == {"cronSpec": "0 3 * * *", "replicas": 5}
    refused = await api.ask("PATCH", f"{path}/scale", {"spec": {"replicas": 11}}, content_type=merge)
    assert (refused.code, fields(refused)) == (422, ["spec.replicas"])
    wrong = await api.ask("PATCH", f"{path}/status", {"status": {"running": "x"}}, content_type=merge)
    assert (wrong.code, fields(wrong)) == (422, [".status.running"])
    resources = (await api.ask("GET", "/apis/stable.example.com/v1")).body["resources"]
    assert {"crontabs", "crontabs/scale", "crontabs/status"} == {resource["name"] for resource in resources}


@pytest.mark.parametrize(
    ("scale", "field"),
    [
        ({"statusReplicasPath": ".status.running"}, "specReplicasPath"),
        ({**SCALE, "specReplicasPath": ".status.replicas"}, "specReplicasPath"),
        ({**SCALE, "specReplicasPath": ".spec.sets[0].replicas"}, "specReplicasPath"),
        ({**SCALE, "labelSelectorPath": "spec"}, "labelSelectorPath"),
    ],
)
async def test_a_definition_names_valid_places_for_its_scale(api: Api, scale: Body, field: str) -> None:
    refused = await api.ask("POST", DEFINITIONS, definition(subresources={"scale": scale}))
    assert (refused.code, fields(refused)) == (422, [f"spec.versions[0].subresources.scale.{field}"])


@with_kubectl
async def test_kubectl_scales_a_custom_resource(api: Api, kubectl: Kubectl) -> None:
    await api.ask("POST", DEFINITIONS, definition(subresources={"scale": SCALE}))
    await api.ask("POST", OBJECTS, crontab(replicas=3))
    done = await kubectl("-n", "mesh", "scale", "crontab/nightly", "--replicas=4")
    assert "crontab.stable.example.com/nightly scaled" in done
    assert (await api.ask("GET", f"{OBJECTS}/nightly")).body["spec"]["replicas"] == 4
