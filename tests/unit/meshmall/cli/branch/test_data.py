"""Who uses a store, and how a branch says so."""

from mesh.resources.core.service import Service
from mesh.resources.validation.manifest import validate
from meshmall.cli.branch.data import Client, Namespace, users_of
from tests.support.objects import Body, service
from tests.support.stores import deployment, stateful_set


def edge(source: str, workload: str, *, connections: int = 0, requests: int = 0, target: str = "postgres") -> Body:
    return {
        "source": source,
        "sourceWorkload": workload,
        "target": f"mesh/{target}",
        "branch": "",
        "requests": requests,
        "tcp": {"connections": connections},
    }


def namespace() -> Namespace:
    typed = validate(service("orders")).typed
    assert isinstance(typed, Service)
    return Namespace("mesh", {"orders": typed}, [deployment("orders-v1"), deployment("worker"), stateful_set()])


def test_users_are_named_by_their_service_or_their_deployment() -> None:
    edges = [
        edge("mesh/orders", "orders-v1", connections=1),
        edge("mesh/orders", "orders-v1", connections=2),
        edge("mesh/worker", "worker"),
        edge("mesh/report", "report", connections=2000),
        edge("mesh/mall", "mall-v1", requests=5),
        edge("other/orders", "orders", connections=1),
        edge("gateway", "", connections=1),
        edge("mesh/postgres", "postgres", connections=1),
        edge("mesh/orders", "orders-v1", connections=1, target="redis"),
    ]
    assert users_of({"postgres"}, edges, namespace()) == [
        Client("orders", "orders-v1", "3 connections in the last 5 min"),
        # A Job's pods are nothing that could be forked.
        Client("", "report", "2,000 connections in the last 5 min"),
        Client("worker", "worker", "open in the last 5 min"),
    ]
