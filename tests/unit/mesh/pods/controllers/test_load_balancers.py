"""Services of type LoadBalancer get the machine's address, and say which of their ports are served there."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.load_balancers import LoadBalancerController
from mesh.pods.controllers.objects import Objects
from mesh.resources.core.service import Service
from mesh.resources.validation.manifest import validate
from mesh.resources.values.ref import Ref
from mesh.store import Delete, Put, Store
from tests.support.waiting import eventually

IN_USE = {5432}


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = Store.open(None)

    def bind_problem(port: int) -> str:
        return "another program is listening there" if port in IN_USE else ""

    controller = LoadBalancerController(
        store, "127.0.0.1", {8080: "the gateway"}, bind_problem, Recorder(Objects(store), 10)
    )
    await controller.start()
    yield store
    await controller.stop()
    store.close()


def balancer(name: str, *ports: int, type_: str = "LoadBalancer", protocol: str = "TCP") -> Put:
    listed = [{"name": f"p{port}", "port": port, "protocol": protocol} for port in ports]
    spec = {"type": type_, "selector": {"app": name}, "ports": listed}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "mesh"}, "spec": spec}
    return Put(Ref("", "Service", "mesh", name), validate(body).body)


def ingress(store: Store, name: str) -> Any:
    stored = store.get(Ref("", "Service", "mesh", name))
    assert stored is not None
    return ((stored.body.get("status") or {}).get("loadBalancer") or {}).get("ingress")


def served(store: Store, name: str) -> frozenset[int]:
    stored = store.get(Ref("", "Service", "mesh", name))
    assert stored is not None
    assert isinstance(stored.typed, Service)
    return stored.typed.balanced_ports


async def test_a_load_balancer_has_the_machines_address(store: Store) -> None:
    store.commit([balancer("web", 8099)])
    expected = [{"ip": "127.0.0.1", "ipMode": "VIP", "ports": [{"port": 8099, "protocol": "TCP"}]}]
    await eventually(lambda: ingress(store, "web") == expected)


async def test_a_port_that_is_in_use_is_named_with_an_error_and_an_event(store: Store) -> None:
    store.commit([balancer("db", 5432, 8080, 8099)])
    await eventually(lambda: served(store, "db") == {8099})
    errors = {port["port"]: port.get("error") for port in ingress(store, "db")[0]["ports"]}
    assert errors == {5432: "meshmall.dev/PortInUse", 8080: "meshmall.dev/PortInUse", 8099: None}
    messages = [stored.body["message"] for stored in store.list("", "Event")]
    assert "port 5432 is not served at 127.0.0.1: another program is listening there" in messages
    assert "port 8080 is not served at 127.0.0.1: the gateway has it" in messages


async def test_of_two_services_with_one_port_the_first_has_it(store: Store) -> None:
    store.commit([balancer("first", 8099)])
    await eventually(lambda: served(store, "first") == {8099})
    store.commit([balancer("second", 8099)])
    await eventually(lambda: bool(ingress(store, "second")))
    assert served(store, "second") == frozenset()


async def test_a_freed_port_goes_to_who_waits_for_it(store: Store) -> None:
    first, second = balancer("first", 8099), balancer("second", 8099)
    store.commit([first])
    await eventually(lambda: served(store, "first") == {8099})
    store.commit([second])
    await eventually(lambda: bool(ingress(store, "second")))
    store.commit([Delete(first.ref)])
    await eventually(lambda: served(store, "second") == {8099})


async def test_a_service_of_another_type_has_no_address(store: Store) -> None:
    store.commit([balancer("web", 8099)])
    await eventually(lambda: bool(ingress(store, "web")))
    store.commit([balancer("web", 8099, type_="ClusterIP")])
    await eventually(lambda: ingress(store, "web") is None)


async def test_ports_of_udp_are_listed_and_not_served(store: Store) -> None:
    store.commit([balancer("dns", 53, protocol="UDP")])
    await eventually(lambda: bool(ingress(store, "dns")))
    assert ingress(store, "dns")[0]["ports"][0]["error"] == "meshmall.dev/ProtocolNotServed"
    assert served(store, "dns") == frozenset()
