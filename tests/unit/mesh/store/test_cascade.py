"""What goes with an object that is deleted."""

from typing import Any

import pytest

from mesh.resources.values.ref import Ref
from mesh.store import Put, Store, Stored
from mesh.store.cascade import removal


@pytest.fixture
def store() -> Store:
    """A namespace with a Deployment, its ReplicaSet, its Pod, and a ConfigMap beside."""
    store = Store.open(None)
    add(store, "", "Namespace", "mesh", namespace="")
    deployment = add(store, "apps", "Deployment", "mall")
    replicas = add(store, "apps", "ReplicaSet", "mall-1", owner=deployment)
    add(store, "", "Pod", "mall-1-x", owner=replicas, spec={"terminationGracePeriodSeconds": 7})
    add(store, "", "ConfigMap", "other")
    return store


def add(
    store: Store,
    group: str,
    kind: str,
    name: str,
    *,
    namespace: str = "mesh",
    owner: Stored | None = None,
    **more: Any,
) -> Stored:
    version = f"{group}/v1" if group else "v1"
    metadata: dict[str, Any] = {"name": name}
    if owner is not None:
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": owner.ref.kind, "name": owner.ref.name, "uid": owner.uid}
        ]
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **more}
    return store.commit([Put(Ref(group, kind, namespace, name), body)])[0]


def there(store: Store) -> set[str]:
    return {str(item.ref) for item in store.everything()}


def find(store: Store, group: str, kind: str, name: str, namespace: str = "mesh") -> Stored:
    found = store.get(Ref(group, kind, namespace, name))
    assert found is not None
    return found


def test_a_deployment_takes_its_replica_sets_and_marks_its_pods(store: Store) -> None:
    store.commit(removal(store, [find(store, "apps", "Deployment", "mall")]))
    assert there(store) == {"Namespace mesh", "Pod mesh/mall-1-x", "ConfigMap mesh/other"}
    pod = find(store, "", "Pod", "mall-1-x")
    assert pod.metadata["deletionGracePeriodSeconds"] == 7
    assert pod.metadata["deletionTimestamp"].endswith("Z")


def test_a_marked_pod_is_not_marked_again_unless_for_less(store: Store) -> None:
    store.commit(removal(store, [find(store, "", "Pod", "mall-1-x")]))
    marked = find(store, "", "Pod", "mall-1-x")
    store.commit(removal(store, [marked]))
    assert find(store, "", "Pod", "mall-1-x") is marked
    store.commit(removal(store, [marked], grace=0))
    assert find(store, "", "Pod", "mall-1-x").metadata["deletionGracePeriodSeconds"] == 0


def test_orphans_stay_and_forget_their_owner(store: Store) -> None:
    store.commit(removal(store, [find(store, "apps", "Deployment", "mall")], orphan=True))
    assert "ownerReferences" not in find(store, "apps", "ReplicaSet", "mall-1").metadata
    assert "deletionTimestamp" not in find(store, "", "Pod", "mall-1-x").metadata


def test_a_namespace_takes_everything_and_waits_for_its_pods(store: Store) -> None:
    store.commit(removal(store, [find(store, "", "Namespace", "mesh", "")]))
    assert there(store) == {"Namespace mesh", "Pod mesh/mall-1-x"}
    namespace = find(store, "", "Namespace", "mesh", "")
    assert namespace.body["status"]["phase"] == "Terminating"
    assert namespace.metadata["deletionTimestamp"]


def test_a_namespace_without_pods_goes_at_once(store: Store) -> None:
    add(store, "", "Namespace", "empty", namespace="")
    add(store, "", "Secret", "s", namespace="empty")
    store.commit(removal(store, [find(store, "", "Namespace", "empty", "")]))
    assert not any("empty" in name for name in there(store))
