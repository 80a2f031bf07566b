"""Server-side apply: the cases of Kubernetes' documentation, over HTTP and with kubectl."""

import json
from typing import Any

import pytest

from tests.support.api import Api, Kubectl
from tests.support.manifests import deployment

PATH = "/api/v1/namespaces/mesh/configmaps/test-cm"
APPLY = "application/apply-patch+yaml"


def config(**data: str) -> dict[str, Any]:
    metadata = {"name": "test-cm", "namespace": "mesh", "labels": {"test-label": "test"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def apply(api: Api, body: Any, manager: str, *, force: bool = False, path: str = PATH) -> Any:
    query = f"?fieldManager={manager}{'&force=true' if force else ''}"
    return await api.ask("PATCH", f"{path}{query}", body, content_type=APPLY)


def owned(body: Any) -> dict[str, set[str]]:
    """What each manager owns of `data`."""
    found = {}
    for entry in body["metadata"]["managedFields"]:
        fields = entry["fieldsV1"].get("f:data", {})
        found[f"{entry['manager']} {entry['operation']}"] = {key.removeprefix("f:") for key in fields}
    return found


async def test_an_apply_makes_the_object_and_its_manager_owns_it(api: Api) -> None:
    answer = await apply(api, config(key="some value"), "kubectl")
    assert answer.code == 201
    (entry,) = answer.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["apiVersion"]) == ("kubectl", "Apply", "v1")
    assert entry["fieldsType"] == "FieldsV1"
    assert entry["fieldsV1"] == {"f:data": {"f:key": {}}, "f:metadata": {"f:labels": {"f:test-label": {}}}}
    again = await apply(api, config(key="some value"), "kubectl")
    assert again.code == 200
    assert again.body["metadata"]["resourceVersion"] == answer.body["metadata"]["resourceVersion"]


async def test_two_managers_with_one_value_share_the_field(api: Api) -> None:
    await apply(api, config(key="v"), "one")
    answer = await apply(api, config(key="v"), "two")
    assert owned(answer.body) == {"one Apply": {"key"}, "two Apply": {"key"}}
    gone = await apply(api, config(), "one")
    assert gone.body["data"] == {"key": "v"}
    last = await apply(api, config(), "two")
    assert "key" not in (last.body.get("data") or {})


async def test_another_value_is_a_conflict_and_changes_nothing(api: Api) -> None:
    made = await apply(api, config(key="v", other="o"), "one")
    answer = await apply(api, config(key="mine"), "two")
    assert answer.code == 409
    assert answer.body["reason"] == "Conflict"
    assert answer.body["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.key'
    (cause,) = answer.body["details"]["causes"]
    assert cause == {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.key"}
    assert (await api.ask("GET", PATH)).body == made.body


async def test_force_takes_the_field_over(api: Api) -> None:
    await apply(api, config(key="v", other="o"), "one")
    answer = await apply(api, config(key="mine"), "two", force=True)
    assert answer.body["data"] == {"key": "mine", "other": "o"}
    assert owned(answer.body) == {"one Apply": {"other"}, "two Apply": {"key"}}


async def test_what_is_not_applied_any_more_goes(api: Api) -> None:
    await apply(api, config(a="1", b="2"), "one")
    answer = await apply(api, config(a="1"), "one")
    assert answer.body["data"] == {"a": "1"}


async def test_an_update_takes_what_it_changes_and_then_conflicts(api: Api) -> None:
    await apply(api, config(a="1", b="2"), "one")
    patch = {"data": {"a": "changed"}}
    merge = "application/merge-patch+json"
    changed = await api.ask("PATCH", f"{PATH}?fieldManager=editor", patch, content_type=merge)
    assert owned(changed.body) == {"one Apply": {"b"}, "editor Update": {"a"}}
    answer = await apply(api, config(a="1", b="2"), "one")
    assert answer.code == 409
    assert 'conflict with "editor" using v1' in answer.body["message"]


async def test_lists_merge_by_their_keys(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/mesh/deployments/d"
    first = deployment("d")
    first["metadata"]["namespace"] = "mesh"
    container = first["spec"]["template"]["spec"]["containers"][0]["name"]
    made = await apply(api, first, "one", path=path)
    assert made.code == 201, made.body
    template = {"spec": {"containers": [{"name": "side", "image": "side:1", "command": ["x"]}]}}
    side = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "mesh"}}
    answer = await apply(api, {**side, "spec": {"template": template}}, "two", path=path)
    assert answer.code == 200, answer.body
    names = [item["name"] for item in answer.body["spec"]["template"]["spec"]["containers"]]
    assert names == [container, "side"]
    without = await apply(api, {**side, "spec": {}}, "two", path=path)
    assert without.code == 200, without.body
    names = [item["name"] for item in without.body["spec"]["template"]["spec"]["containers"]]
    assert names == [container]


@pytest.mark.parametrize(
    ("body", "query", "told"),
    [
        (config(a="1"), "", "fieldManager: Required value"),
        ({**config(), "metadata": {"name": "other"}}, "?fieldManager=x", "is not that of the path"),
        ([1], "?fieldManager=x", "is not one object"),
        ({**config(), "data": 7}, "?fieldManager=x", "data"),
    ],
)
async def test_what_is_wrong_is_said(api: Api, body: Any, query: str, told: str) -> None:
    answer = await api.ask("PATCH", f"{PATH}{query}", body, content_type=APPLY)
    assert answer.code in (400, 422)
    assert told in json.dumps(answer.body)
    assert (await api.ask("GET", PATH)).code == 404


async def test_kubectl_applies_conflicts_and_forces(kubectl: Kubectl) -> None:
    out = await kubectl("apply", "--server-side", "-f", kubectl.file(config(a="1")))
    assert out.strip() == "configmap/test-cm serverside-applied"
    out = await kubectl("apply", "--server-side", "--field-manager=ci", "-f", kubectl.file(config(a="2")), fails=True)
    assert 'conflict with "kubectl": .data.a' in out
    forced = ("apply", "--server-side", "--field-manager=ci", "--force-conflicts", "-f", kubectl.file(config(a="2")))
    assert "serverside-applied" in await kubectl(*forced)
    assert await kubectl("get", "cm", "test-cm", "-o", "jsonpath={.data.a}") == "2"
    assert "managedFields" not in await kubectl("get", "cm", "test-cm", "-o", "yaml")
    assert "managedFields" in await kubectl("get", "cm", "test-cm", "-o", "yaml", "--show-managed-fields")


async def test_kubectl_moves_from_client_side_to_server_side(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file(config(a="1", b="2")))
    assert "serverside-applied" in await kubectl("apply", "--server-side", "-f", kubectl.file(config(a="3")))
    assert await kubectl("get", "cm", "test-cm", "-o", "jsonpath={.data}") == '{"a":"3"}'


@pytest.mark.parametrize("value", ["x", "", "null", "[1]", '"text"', '{"data":7}', "[" * 100_000, "9" * 5000])
async def test_any_value_of_the_annotation_that_kubectl_writes_is_survived(api: Api, value: str) -> None:
    body = config(key="v")
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": value}
    assert (await api.ask("POST", PATH.rpartition("/")[0], body)).code == 201
    answer = await api.ask("POST", "/mesh/v1/apply", {"objects": [config(key="w")]})
    assert answer.code == 200, answer.body
    # Again with the annotation, which the apply has replaced.
    assert (await api.ask("PUT", PATH, body)).code == 200
    assert (await apply(api, config(key="x"), "kubectl", force=True)).code == 200


@pytest.mark.parametrize("part", ["k:not json", "k:7", "k:[]", "v:{", "i:x", "", "f:", "k:" + "[" * 100_000])
async def test_any_path_in_managed_fields_is_survived(api: Api, part: str) -> None:
    assert (await apply(api, config(key="v"), "one")).code == 201
    entry = {
        "manager": "other",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:finalizers": {part: {}}}, part: {}},
    }
    body = config(key="v")
    body["metadata"] |= {"managedFields": [entry], "finalizers": ["example.com/a"]}
    assert (await api.ask("PUT", PATH, body)).code == 200
    # The list at which the path points stays, so that it is followed to its end.
    later = config(key="w")
    later["metadata"]["finalizers"] = ["example.com/a"]
    assert (await api.ask("PUT", PATH, later)).code == 200
    assert (await apply(api, config(key="x"), "one", force=True)).code == 200
