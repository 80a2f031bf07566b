"""Writes: only what differs, on top of the newest state."""

from mesh.reconcile.writing import update, write_status, write_statuses
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store

FOX = Ref("", "Service", "mesh", "fox")
GONE = Ref("", "Service", "mesh", "gone")


def store_with_fox() -> Store:
    store = Store.open(None)
    store.commit([Put(FOX, {"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": {"ports": []}})])
    return store


def test_a_status_is_written_once_and_changes_nothing_else() -> None:
    store = store_with_fox()
    written = write_status(store, FOX, {"phase": "Ready"})
    assert written is not None
    assert written.body["status"] == {"phase": "Ready"}
    assert written.body["spec"] == {"ports": []}
    assert written.metadata["generation"] == 1
    before = store.version
    assert write_status(store, FOX, {"phase": "Ready"}) is written
    assert store.version == before


def test_an_object_that_is_gone_is_left_out_and_the_others_are_written_together() -> None:
    store = store_with_fox()
    changed = write_statuses(store, [(GONE, {"phase": "Ready"}), (FOX, {"phase": "Pending"})])
    assert [stored.ref for stored in changed] == [FOX]
    assert store.get(GONE) is None
    assert write_status(store, GONE, {}) is None


def test_an_update_alters_a_copy_and_stores_it_when_it_differs() -> None:
    store = store_with_fox()
    before = store.get(FOX)
    assert before is not None

    def label(body: Body) -> None:
        body["metadata"]["labels"] = {"app": "fox"}

    after = update(store, FOX, label)
    assert after is not None
    assert "labels" not in before.metadata
    assert after.metadata["labels"] == {"app": "fox"}
    assert update(store, FOX, label) is after
    assert update(store, GONE, label) is None
