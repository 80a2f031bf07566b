"""Which workload a store is, and which of its volumes have the data."""

from mesh.resources.analysis.stores import (
    Workload,
    data_volumes,
    is_named,
    other_services,
    store_workload,
    store_workloads,
)
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import BranchData
from mesh.resources.validation.manifest import validate
from tests.support.objects import service
from tests.support.stores import deployment, lone_pod, stateful_set


def typed_service(name: str, app: str) -> Service:
    typed = validate(service(name, app=app)).typed
    assert isinstance(typed, Service)
    return typed


def test_a_stateful_set_comes_before_a_deployment_and_a_pod() -> None:
    workloads: list[Workload] = [lone_pod("db"), deployment("db"), stateful_set("db"), stateful_set("other")]
    db = typed_service("db", "db")
    assert [type(workload).__name__ for workload in store_workloads(db, workloads)] == [
        "StatefulSet",
        "Deployment",
        "Pod",
    ]
    assert store_workload(BranchData(), db, workloads) is workloads[2]
    assert store_workload(BranchData(workload="Deployment/db"), db, workloads) is workloads[1]
    assert store_workload(BranchData(workload="other"), db, workloads) is None


def test_a_workload_is_named_with_or_without_its_kind() -> None:
    assert is_named("postgres", stateful_set())
    assert is_named("statefulset/postgres", stateful_set())
    assert not is_named("Deployment/postgres", stateful_set())


def test_claims_are_data_and_caches_are_not() -> None:
    cache = {"name": "cache", "emptyDir": {}}
    claimed = {"name": "data", "persistentVolumeClaim": {"claimName": "files"}}
    read_only = {"name": "data", "persistentVolumeClaim": {"claimName": "files", "readOnly": True}}
    assert data_volumes(deployment("files", claimed, cache)) == ["data"]
    assert data_volumes(deployment("files", read_only, cache)) == ["cache"]
    assert data_volumes(deployment("files", claimed, cache), ["cache"]) == ["cache"]
    assert data_volumes(stateful_set()) == ["data"]


def test_other_services_of_the_same_pods() -> None:
    services = [typed_service("postgres", "postgres"), typed_service("db", "postgres"), typed_service("x", "y")]
    assert other_services("postgres", stateful_set(), services) == ["db"]
