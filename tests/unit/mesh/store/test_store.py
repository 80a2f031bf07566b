"""Commits: versions, conflicts, what an object gets on its way in."""

import pytest

from mesh.resources.values.ref import Ref
from mesh.store import Conflict, Delete, Exists, NotFound, Put, Store


def config(name: str, value: str = "1", **metadata: object) -> Put:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "mesh", **metadata},
        "data": {"k": value},
    }
    return Put(Ref("", "ConfigMap", "mesh", name), body)


def ref(name: str) -> Ref:
    return Ref("", "ConfigMap", "mesh", name)


@pytest.fixture
def store() -> Store:
    return Store.open(None)


def test_a_new_object_gets_an_identity_and_a_version_of_its_own(store: Store) -> None:
    one, two = store.commit([config("a"), config("b")])
    assert (one.version, two.version, store.version) == (1, 2, 2)
    assert one.metadata["resourceVersion"] == "1"
    assert one.metadata["generation"] == 1
    assert one.uid != two.uid
    assert str(one.metadata["creationTimestamp"]).endswith("Z")


def test_the_same_put_again_changes_nothing(store: Store) -> None:
    store.commit([config("a")])
    (again,) = store.commit([config("a")])
    assert again.version == store.version == 1


def test_generation_grows_with_the_specification_and_not_with_labels_or_status(store: Store) -> None:
    store.commit([config("a")])
    (labelled,) = store.commit([config("a", labels={"x": "y"})])
    assert labelled.metadata["generation"] == 1
    (status,) = store.commit([Put(ref("a"), {**labelled.body, "status": {"ready": 1}})])
    assert status.metadata["generation"] == 1
    (changed,) = store.commit([config("a", "2")])
    assert changed.metadata["generation"] == 2
    assert changed.uid == labelled.uid


def test_a_change_for_another_version_is_a_conflict_and_nothing_changes(store: Store) -> None:
    (one,) = store.commit([config("a")])
    store.commit([config("a", "2")])
    with pytest.raises(Conflict, match=r"ConfigMap mesh/a: .* version 1, but it is at version 2"):
        store.commit([config("new"), config("a", "3")._replace(if_version=one.version)])
    assert store.get(ref("new")) is None
    assert store.version == 2


def test_creating_what_is_there_is_refused(store: Store) -> None:
    store.commit([config("a")])
    with pytest.raises(Exists, match="already exists"):
        store.commit([config("a", "2")._replace(if_version=0)])


def test_deleting_what_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="ConfigMap mesh/a: not found"):
        store.commit([Delete(ref("a"))])
    with pytest.raises(Conflict, match="it is gone"):
        store.commit([Delete(ref("a"), if_version=4)])


def test_an_object_made_again_is_another_one(store: Store) -> None:
    (first,) = store.commit([config("a")])
    (gone, again) = store.commit([Delete(ref("a")), config("a")])
    assert gone.version == 2
    assert gone.uid == first.uid
    assert again.uid != first.uid
    assert store.get(ref("a")) is again


def test_lists_are_sorted_and_keep_to_their_namespace(store: Store) -> None:
    other = Put(Ref("", "ConfigMap", "alpha", "z"), {"apiVersion": "v1", "kind": "ConfigMap"})
    store.commit([config("b"), config("a"), other])
    assert [configmap.ref.name for configmap in store.list("", "ConfigMap")] == ["z", "a", "b"]
    assert [configmap.ref.name for configmap in store.list("", "ConfigMap", "mesh")] == ["a", "b"]
    assert store.list("", "Secret") == []


def test_dependents_are_found_by_their_owners_uid(store: Store) -> None:
    (owner,) = store.commit([config("owner")])
    owned = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.uid}]
    store.commit([config("child", ownerReferences=owned)])
    assert [dependent.ref.name for dependent in store.dependents(owner.uid)] == ["child"]
    store.commit([config("child")])
    assert store.dependents(owner.uid) == []


def test_objects_are_read_as_structs(store: Store) -> None:
    from mesh.resources.core.config import ConfigMap  # noqa: PLC0415

    store.commit([config("a", "7")])
    (found,) = store.of(ConfigMap, "mesh")
    assert found.metadata.name == "a"
    assert found.data == {"k": "7"}


def test_kinds_are_those_that_have_objects(store: Store) -> None:
    store.commit([config("a")])
    assert store.kinds() == [("", "ConfigMap")]
    store.commit([Delete(ref("a"))])
    assert store.kinds() == []
