"""A status of the wrong shape is rejected, and an object that no longer decodes keeps nobody from writing others."""

from mesh.resources.values.ref import Ref
from mesh.store import Put
from tests.support.api import Api
from tests.support.manifests import service, virtual_service

MERGE = "application/merge-patch+json"
SERVICES = "/api/v1/namespaces/mesh/services"
RULES = "/apis/networking.istio.io/v1/namespaces/mesh/virtualservices"
SHOP = Ref("networking.istio.io", "VirtualService", "mesh", "shop")


async def test_a_status_of_the_wrong_shape_is_rejected_and_nothing_changes(api: Api) -> None:
    assert (await api.ask("POST", SERVICES, service("shop"))).code == 201
    assert (await api.ask("POST", RULES, virtual_service("shop"))).code == 201
    before = api.store.get(SHOP)
    strictly = f"{RULES}/shop/status?fieldValidation=Strict"
    reply = await api.ask("PATCH", strictly, {"status": {"note": "x"}}, content_type=MERGE)
    assert (reply.code, "status.note" in reply.body["message"]) == (422, True)
    reply = await api.ask("PATCH", f"{RULES}/shop/status", {"status": {"conditions": "x"}}, content_type=MERGE)
    assert (reply.code, "status.conditions" in reply.body["message"]) == (422, True)
    assert api.store.get(SHOP) is before
    condition = {"type": "Reviewed", "status": "True"}
    patch = {"status": {"conditions": [condition]}}
    assert (await api.ask("PATCH", f"{RULES}/shop/status", patch, content_type=MERGE)).code == 200


async def test_an_object_that_no_longer_decodes_is_set_aside_and_can_be_replaced(api: Api) -> None:
    await api.ask("POST", SERVICES, service("shop"))
    await api.ask("POST", RULES, virtual_service("shop"))
    stored = api.store.get(SHOP)
    assert stored is not None
    api.store.commit([Put(SHOP, {**stored.body, "spec": {"hosts": 7}})])
    assert (await api.ask("POST", SERVICES, service("cart"))).code == 201
    assert (await api.ask("POST", RULES, virtual_service("cart"))).code == 201
    assert "expected `array`" in api.store.undecodable[SHOP].lower()
    broken = api.store.get(SHOP)
    assert broken is not None
    unseen = await api.ask("PUT", f"{RULES}/shop", virtual_service("shop"))
    assert (unseen.code, "metadata.resourceVersion" in unseen.body["message"]) == (422, True)
    body = virtual_service("shop")
    body["metadata"]["resourceVersion"] = str(broken.version)
    repaired = await api.ask("PUT", f"{RULES}/shop", body)
    assert repaired.code == 200, repaired.body
    assert api.store.undecodable == {}


async def test_an_object_that_is_being_deleted_takes_no_new_finalizer(api: Api) -> None:
    path = "/api/v1/namespaces/mesh/configmaps"
    metadata = {"name": "shop", "finalizers": ["example.com/a"]}
    await api.ask("POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    assert (await api.ask("DELETE", f"{path}/shop")).code == 200
    more = {"metadata": {"finalizers": ["example.com/a", "example.com/b"]}}
    refused = await api.ask("PATCH", f"{path}/shop", more, content_type=MERGE)
    assert (refused.code, "metadata.finalizers" in refused.body["message"]) == (422, True)
    assert (await api.ask("PATCH", f"{path}/shop", {"data": {"a": "b"}}, content_type=MERGE)).code == 200
    none = {"metadata": {"finalizers": None}}
    assert (await api.ask("PATCH", f"{path}/shop", none, content_type=MERGE)).code == 200
    assert (await api.ask("GET", f"{path}/shop")).code == 404


async def test_a_claim_that_is_being_deleted_does_not_get_its_protection_back(api: Api) -> None:
    path = "/api/v1/namespaces/mesh/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "finalizers": ["example.com/a"]},
        "spec": spec,
    }
    assert (await api.ask("POST", path, body)).code == 201
    assert (await api.ask("DELETE", f"{path}/data")).code == 200
    alone = {"metadata": {"finalizers": ["example.com/a"]}}
    assert (await api.ask("PATCH", f"{path}/data", alone, content_type=MERGE)).code == 200
    # As `replace` sends it: a manifest, without the mark of the deletion.
    replaced = await api.ask("PUT", f"{path}/data", body)
    assert (replaced.code, replaced.body["metadata"]["finalizers"]) == (200, ["example.com/a"])
    assert "deletionTimestamp" in replaced.body["metadata"]
