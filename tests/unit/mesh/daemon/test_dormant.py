"""What a start shall not start stays stored, marked, and runs no pods until somebody writes it."""

from typing import Any

from mesh.daemon.dormant import mark_dormant
from mesh.pods.controllers.rollout import in_force
from mesh.resources.core.deployment import DORMANT
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store
from tests.support.manifests import deployment


def stored(store: Store, name: str, **labels: str) -> Ref:
    ref = Ref("apps", "Deployment", "mesh", name)
    body: dict[str, Any] = deployment(name)
    body["metadata"] = {**body["metadata"], "namespace": "mesh", "labels": labels}
    store.commit([Put(ref, body)])
    return ref


def is_marked(store: Store, ref: Ref) -> bool:
    found = store.get(ref)
    assert found is not None
    return DORMANT in (found.metadata.get("annotations") or {})


def test_deployments_are_marked_by_name_and_forks_by_the_service_that_they_change() -> None:
    store = Store.open(None)
    products = stored(store, "products")
    fork = stored(store, "products-fox", **{BRANCH_LABEL: "fox", SERVICE_LABEL: "products"})
    own = stored(store, "own")
    assert mark_dormant(store, ("Deployment mesh/products", "Service mesh/products")) == 2
    assert [is_marked(store, ref) for ref in (products, fork, own)] == [True, True, False]

    assert mark_dormant(store, ()) == 0
    assert [is_marked(store, ref) for ref in (products, fork, own)] == [False, False, False]
    store.close()


def test_the_replica_sets_of_a_dormant_deployment_want_no_pods() -> None:
    store = Store.open(None)
    ref = stored(store, "products")
    owner = store.get(ref)
    assert owner is not None
    of_set = Ref("apps", "ReplicaSet", "mesh", "products-1")
    reference = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "products",
        "uid": owner.uid,
        "controller": True,
    }
    metadata = {"name": "products-1", "namespace": "mesh", "ownerReferences": [reference]}
    body = {**deployment("products"), "kind": "ReplicaSet", "metadata": metadata}
    store.commit([Put(of_set, {**body, "spec": {**body["spec"], "replicas": 3}})])
    mark_dormant(store, ("Deployment mesh/products",))
    replica_set = store.get(of_set)
    assert replica_set is not None
    assert replica_set.body["spec"]["replicas"] == 0
    store.close()


def test_a_dormant_deployment_is_carried_out_as_if_it_had_no_replicas() -> None:
    body = deployment("products")
    body["spec"]["replicas"] = 3
    assert in_force(body)["spec"]["replicas"] == 3
    body["metadata"]["annotations"] = {DORMANT: "since up --empty"}
    assert in_force(body)["spec"]["replicas"] == 0
    assert body["spec"]["replicas"] == 3
