"""The columns of StatefulSets, volumes, autoscalers and budgets say what a real cluster's would."""

from typing import Any

from mesh.resources.columns import workloads
from mesh.resources.columns.column import Column


def cells(columns: tuple[Column, ...] | Any, **body: Any) -> dict[str, Any]:
    complete = {"metadata": {"name": "a"}, **body}
    return {column.name: column.cell(complete) for column in columns if column.name != "Age" and not column.wide}


def test_a_stateful_set_shows_how_many_pods_are_ready() -> None:
    assert cells(workloads.STATEFUL_SET, spec={"replicas": 3}, status={"readyReplicas": 2})["Ready"] == "2/3"
    assert cells(workloads.STATEFUL_SET, spec={})["Ready"] == "0/1"


def test_a_claim_shows_its_volume() -> None:
    claim = cells(
        workloads.CLAIM,
        spec={"volumeName": "pvc-1", "storageClassName": "standard"},
        status={"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"]},
    )
    assert claim == {
        "Name": "a",
        "Status": "Bound",
        "Volume": "pvc-1",
        "Capacity": "1Gi",
        "Access Modes": "RWO,ROX",
        "StorageClass": "standard",
        "VolumeAttributesClass": "<unset>",
    }
    assert cells(workloads.CLAIM, metadata={"name": "a", "deletionTimestamp": "x"})["Status"] == "Terminating"


def test_a_volume_shows_its_claim() -> None:
    claim = {"namespace": "shop", "name": "data"}
    volume = cells(workloads.VOLUME, spec={"claimRef": claim, "persistentVolumeReclaimPolicy": "Delete"})
    assert (volume["Claim"], volume["Reclaim Policy"], volume["Status"]) == ("shop/data", "Delete", "Pending")


def test_the_default_class_is_marked() -> None:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    metadata = {"name": "standard", "annotations": annotations}
    shown = cells(workloads.STORAGE_CLASS, metadata=metadata, provisioner="a.b/c")
    assert (shown["Name"], shown["Provisioner"]) == ("standard (default)", "a.b/c")


def test_an_autoscaler_shows_what_is_and_what_should_be() -> None:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": cpu}, {"type": "Resource", "resource": memory}],
    }
    shown = cells(workloads.AUTOSCALER, spec=spec)
    assert (shown["Reference"], shown["MinPods"], shown["Replicas"]) == ("Deployment/web", "1", "0")
    assert shown["Targets"] == "cpu: <unknown>/50%, memory: <unknown>/1Gi"
    current = {"resource": {"name": "cpu", "current": {"averageUtilization": 12}}}
    assert cells(workloads.AUTOSCALER, spec=spec, status={"currentMetrics": [current]})["Targets"].startswith(
        "cpu: 12%/"
    )
    spec["metrics"] = [{"type": "Resource", "resource": cpu}] * 3
    assert cells(workloads.AUTOSCALER, spec=spec)["Targets"].endswith("+ 1 more...")


def test_a_budget_and_a_revision() -> None:
    budget = cells(workloads.BUDGET, spec={"minAvailable": 1}, status={"disruptionsAllowed": 2})
    assert list(budget.values()) == ["a", "1", "N/A", 2]
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
    revision = cells(workloads.CONTROLLER_REVISION, metadata={"name": "a", "ownerReferences": [owner]}, revision=3)
    assert (revision["Controller"], revision["Revision"]) == ("statefulset.apps/db", 3)


def test_a_daemon_set_shows_its_nodes_and_a_replication_controller_its_selector() -> None:
    spec = {"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}
    shown = cells(workloads.DAEMON_SET, spec=spec, status={"desiredNumberScheduled": 1})
    assert (shown["Desired"], shown["Node Selector"]) == (1, "disk=ssd")
    selector = next(column for column in workloads.REPLICATION_CONTROLLER if column.name == "Selector")
    assert selector.cell({"spec": {"selector": {"app": "a"}}}) == "app=a"
