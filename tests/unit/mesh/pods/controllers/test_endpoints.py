"""Endpoints and EndpointSlices tell which pods stand behind a Service."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mesh.pods.controllers.endpoints import EndpointController
from mesh.resources.validation.manifest import validate
from mesh.resources.values.ref import Ref
from mesh.store import Delete, Put, Store
from tests.support.waiting import eventually

Body = dict[str, Any]
SERVICE = Ref("", "Service", "mesh", "mall")


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = Store.open(None)
    controller = EndpointController(store)
    await controller.start()
    yield store
    await controller.stop()
    store.close()


def service(**spec: Any) -> Put:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "mall", "namespace": "mesh", "labels": {"team": "shop"}},
        "spec": {"selector": {"app": "mall"}, "ports": [{"name": "http", "port": 80, "targetPort": "web"}], **spec},
    }
    return Put(SERVICE, validate(body).body)


def pod(name: str, ip: str, *, ready: bool = True, port: int = 7000, **metadata: Any) -> Put:
    labels = {"app": "mall", **metadata.pop("labels", {})}
    container = {"name": "main", "ports": [{"name": "web", "containerPort": port}]}
    status = {"podIP": ip, "phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
    ref = Ref("", "Pod", "mesh", name)
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": labels, **metadata}}
    return Put(ref, {**body, "spec": {"nodeName": "localhost", "containers": [container]}, "status": status})


def endpoints(*addresses: str, **labels: str) -> Put:
    subset = {"addresses": [{"ip": ip} for ip in addresses], "ports": [{"name": "http", "port": 9376}]}
    metadata = {"name": "mall", "namespace": "mesh", "labels": labels}
    body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}
    return Put(SERVICE._replace(kind="Endpoints"), body)


async def test_endpoints_of_a_service_without_a_selector_are_copied_to_slices(store: Store) -> None:
    store.commit([service(selector={}), endpoints("10.0.0.1")])
    await eventually(lambda: told(store) == [([9376], [("10.0.0.1", True)])], lambda: str(told(store)))
    store.commit([endpoints("10.0.0.2", "10.0.0.3")])
    await eventually(lambda: told(store) == [([9376], [("10.0.0.2", True), ("10.0.0.3", True)])])
    store.commit([endpoints("10.0.0.2", **{"endpointslice.kubernetes.io/skip-mirror": "true"})])
    await eventually(lambda: told(store) == [])
    store.commit([endpoints("10.0.0.4")])
    await eventually(lambda: told(store) == [([9376], [("10.0.0.4", True)])])
    store.commit([Delete(SERVICE._replace(kind="Endpoints"))])
    await eventually(lambda: told(store) == [])


def told(store: Store) -> list[tuple[list[int], list[tuple[str, bool]]]]:
    """Ports, and addresses with their readiness, of each slice."""
    return [
        (
            [port["port"] for port in slice_.body["ports"]],
            [(found["addresses"][0], found["conditions"]["ready"]) for found in slice_.body["endpoints"]],
        )
        for slice_ in store.list("discovery.k8s.io", "EndpointSlice", "mesh")
    ]


def subsets(store: Store) -> Any:
    found = store.get(SERVICE._replace(kind="Endpoints"))
    return None if found is None else found.body.get("subsets", [])


async def test_pods_of_a_service_are_told_with_port_and_readiness(store: Store) -> None:
    store.commit([service(), pod("a", "127.9.0.1"), pod("b", "127.9.0.2", ready=False)])
    await eventually(lambda: told(store) == [([7000], [("127.9.0.1", True), ("127.9.0.2", False)])])
    (found,) = store.list("discovery.k8s.io", "EndpointSlice")
    assert found.metadata["labels"]["kubernetes.io/service-name"] == "mall"
    assert found.typed.endpoints[0].target_ref.name == "a"
    (subset,) = subsets(store)
    assert [address["ip"] for address in subset["addresses"]] == ["127.9.0.1"]
    assert [address["ip"] for address in subset["notReadyAddresses"]] == ["127.9.0.2"]
    assert subset["ports"] == [{"name": "http", "port": 7000, "protocol": "TCP"}]


async def test_what_becomes_of_a_pod_is_followed(store: Store) -> None:
    store.commit([service(), pod("a", "127.9.0.1", ready=False)])
    await eventually(lambda: told(store) == [([7000], [("127.9.0.1", False)])])
    store.commit([pod("a", "127.9.0.1")])
    await eventually(lambda: told(store) == [([7000], [("127.9.0.1", True)])])
    store.commit([pod("a", "127.9.0.1", deletionTimestamp="2026-11-23T00:00:00Z")])
    await eventually(lambda: told(store) == [([7000], [("127.9.0.1", False)])])
    store.commit([Delete(Ref("", "Pod", "mesh", "a"))])
    await eventually(lambda: told(store) == [([], [])] and subsets(store) == [])


async def test_pods_with_other_ports_have_a_slice_of_their_own(store: Store) -> None:
    store.commit([service(), pod("a", "127.9.0.1"), pod("b", "127.9.0.2", port=8000)])
    await eventually(lambda: len(told(store)) == 2)
    assert sorted(ports for ports, _ in told(store)) == [[7000], [8000]]
    store.commit([Delete(Ref("", "Pod", "mesh", "b"))])
    await eventually(lambda: told(store) == [([7000], [("127.9.0.1", True)])])


async def test_a_branchs_pod_and_one_of_another_label_are_not_among_them(store: Store) -> None:
    branch = pod("fork", "127.9.0.3", labels={"meshmall.dev/branch": "jason"})
    store.commit([service(), pod("a", "127.9.0.1"), branch, pod("other", "127.9.0.4", labels={"app": "users"})])
    await eventually(lambda: told(store) == [([7000], [("127.9.0.1", True)])])
    store.commit([pod("other", "127.9.0.4")])
    await eventually(lambda: told(store) == [([7000], [("127.9.0.1", True), ("127.9.0.4", True)])])


async def test_they_belong_to_their_service(store: Store) -> None:
    store.commit([service(), pod("a", "127.9.0.1")])
    await eventually(lambda: subsets(store))
    stored = store.get(SERVICE)
    assert stored is not None
    assert {dependent.ref.kind for dependent in store.dependents(stored.uid)} == {"EndpointSlice", "Endpoints"}
