"""The Service by which in-cluster clients find the API."""

from mesh.daemon.api_service import REF, ensure_api_service
from mesh.resources.core.service import Service
from mesh.resources.validation.manifest import validate
from mesh.routing.world import World
from mesh.store import Put, Store


def test_it_is_there_where_pods_have_networks_and_nowhere_else() -> None:
    store = Store.open(None)
    ensure_api_service(store, 6443, namespaces=True)
    first = store.get(REF)
    assert first is not None
    assert first.body["spec"]["clusterIP"] == "10.96.0.1"
    assert first.typed.is_api
    ensure_api_service(store, 6443, namespaces=True)
    assert store.get(REF) == first
    ensure_api_service(store, 6444, namespaces=True)
    changed = store.get(REF)
    assert changed is not None
    assert changed.body["spec"]["ports"][0]["targetPort"] == 6444
    assert changed.uid == first.uid
    ensure_api_service(store, 6444, namespaces=False)
    assert store.get(REF) is None
    store.close()


def test_it_is_no_workload_of_the_mesh_and_a_users_own_stays() -> None:
    store = Store.open(None)
    ensure_api_service(store, 6443, namespaces=True)
    assert World.of(store).services == ()
    ensure_api_service(store, 6443, namespaces=False)
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes"},
        "spec": {"ports": [{"port": 80}]},
    }
    store.commit([Put(REF, validate(body, "default").body)])
    for namespaces in (True, False):
        ensure_api_service(store, 6443, namespaces=namespaces)
    assert [type(service) for service in World.of(store).services] == [Service]
    store.close()
