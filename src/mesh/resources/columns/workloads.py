"""The columns of StatefulSets, DaemonSets, volumes, autoscalers and budgets, as Kubernetes prints them."""

from collections.abc import Mapping, Sequence
from typing import Any

from mesh.resources.columns.column import NONE, Column, labels_text, spec, status, with_name_and_age
from mesh.resources.columns.core import CONTAINERS, IMAGES
from mesh.resources.core.persistent_volume import DEFAULT_CLASS

UNKNOWN = "<unknown>"
UNSET = "<unset>"
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
# `kubectl get hpa` names this many metrics.
MOST_METRICS = 2


def _pod_spec(workload: Mapping[str, Any]) -> Mapping[str, Any]:
    return (spec(workload).get("template") or {}).get("spec") or {}


def _controller(revision: Mapping[str, Any]) -> str:
    owner = next((owner for owner in revision["metadata"].get("ownerReferences", ()) if owner.get("controller")), None)
    if owner is None:
        return NONE
    group = str(owner["apiVersion"]).rpartition("/")[0]
    kind = str(owner["kind"]).lower()
    return f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"


def _phase(body: Mapping[str, Any], first: str) -> str:
    return "Terminating" if body["metadata"].get("deletionTimestamp") else str(status(body).get("phase", first))


def _modes(modes: Sequence[str]) -> str:
    return ",".join(short for mode, short in MODES.items() if mode in modes)


def _claim(reference: Mapping[str, Any] | None) -> str:
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""


def _class_name(storage_class: Mapping[str, Any]) -> str:
    name = str(storage_class["metadata"]["name"])
    default = (storage_class["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    return f"{name} (default)" if default else name


def _reference(target: Mapping[str, Any]) -> str:
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def _targets(autoscaler: Mapping[str, Any]) -> str:
    """What each metric is, and should be: `cpu: 12%/50%`."""
    metrics = spec(autoscaler).get("metrics") or []
    current = status(autoscaler).get("currentMetrics") or []
    texts = [_target(metric, current[number] if number < len(current) else {}) for number, metric in enumerate(metrics)]
    if len(texts) > MOST_METRICS:
        return f"{', '.join(texts[:MOST_METRICS])} + {len(texts) - MOST_METRICS} more..."
    return ", ".join(texts) or NONE


def _target(metric: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    source = {"Resource": "resource", "ContainerResource": "containerResource"}.get(str(metric.get("type")))
    if source is None:
        return f"{UNKNOWN}/<auto>"
    desired, actual = metric.get(source) or {}, (current.get(source) or {}).get("current") or {}
    target = desired.get("target") or {}
    name = str(desired.get("name", ""))
    if target.get("averageUtilization") is not None:
        value = actual.get("averageUtilization")
        return f"{name}: {UNKNOWN if value is None else f'{value}%'}/{target['averageUtilization']}%"
    return f"{name}: {actual.get('averageValue', UNKNOWN)}/{target.get('averageValue', '<auto>')}"


STATEFUL_SET = with_name_and_age(
    Column("Ready", lambda b: f"{status(b).get('readyReplicas', 0)}/{spec(b).get('replicas', 1)}"),
    CONTAINERS,
    IMAGES,
)

DAEMON_SET = with_name_and_age(
    Column("Desired", lambda b: status(b).get("desiredNumberScheduled", 0), "integer"),
    Column("Current", lambda b: status(b).get("currentNumberScheduled", 0), "integer"),
    Column("Ready", lambda b: status(b).get("numberReady", 0), "integer"),
    Column("Up-to-date", lambda b: status(b).get("updatedNumberScheduled", 0), "integer"),
    Column("Available", lambda b: status(b).get("numberAvailable", 0), "integer"),
    Column("Node Selector", lambda b: labels_text(_pod_spec(b).get("nodeSelector"))),
    CONTAINERS,
    IMAGES,
    Column("Selector", lambda b: labels_text((spec(b).get("selector") or {}).get("matchLabels")), wide=True),
)

REPLICATION_CONTROLLER = with_name_and_age(
    Column("Desired", lambda b: spec(b).get("replicas", 1), "integer"),
    Column("Current", lambda b: status(b).get("replicas", 0), "integer"),
    Column("Ready", lambda b: status(b).get("readyReplicas", 0), "integer"),
    CONTAINERS,
    IMAGES,
    Column("Selector", lambda b: labels_text(spec(b).get("selector")), wide=True),
)

CONTROLLER_REVISION = with_name_and_age(
    Column("Controller", _controller),
    Column("Revision", lambda b: b.get("revision", 0)),
)

CLAIM = with_name_and_age(
    Column("Status", lambda b: _phase(b, "Pending")),
    Column("Volume", lambda b: spec(b).get("volumeName", "")),
    Column("Capacity", lambda b: str((status(b).get("capacity") or {}).get("storage", ""))),
    Column("Access Modes", lambda b: _modes(status(b).get("accessModes") or ())),
    Column("StorageClass", lambda b: spec(b).get("storageClassName", "")),
    Column("VolumeAttributesClass", lambda b: spec(b).get("volumeAttributesClassName", UNSET)),
    Column("VolumeMode", lambda b: spec(b).get("volumeMode", UNSET), wide=True),
)

VOLUME = with_name_and_age(
    Column("Capacity", lambda b: str((spec(b).get("capacity") or {}).get("storage", ""))),
    Column("Access Modes", lambda b: _modes(spec(b).get("accessModes") or ())),
    Column("Reclaim Policy", lambda b: spec(b).get("persistentVolumeReclaimPolicy", "Retain")),
    Column("Status", lambda b: _phase(b, "Pending")),
    Column("Claim", lambda b: _claim(spec(b).get("claimRef"))),
    Column("StorageClass", lambda b: spec(b).get("storageClassName", "")),
    Column("VolumeAttributesClass", lambda b: spec(b).get("volumeAttributesClassName", UNSET)),
    Column("Reason", lambda b: status(b).get("reason", "")),
    Column("VolumeMode", lambda b: spec(b).get("volumeMode", UNSET), wide=True),
)

STORAGE_CLASS = (
    Column("Name", _class_name),
    *with_name_and_age(
        Column("Provisioner", lambda b: b.get("provisioner", "")),
        Column("ReclaimPolicy", lambda b: b.get("reclaimPolicy", "Delete")),
        Column("VolumeBindingMode", lambda b: b.get("volumeBindingMode", "Immediate")),
        Column("AllowVolumeExpansion", lambda b: str(bool(b.get("allowVolumeExpansion"))).lower()),
    )[1:],
)

AUTOSCALER = with_name_and_age(
    Column("Reference", lambda b: _reference(spec(b).get("scaleTargetRef") or {})),
    Column("Targets", _targets),
    Column("MinPods", lambda b: str(spec(b).get("minReplicas", UNSET))),
    Column("MaxPods", lambda b: str(spec(b).get("maxReplicas", 0))),
    Column("Replicas", lambda b: str(status(b).get("currentReplicas", 0))),
)

BUDGET = with_name_and_age(
    Column("Min Available", lambda b: str(spec(b).get("minAvailable", "N/A"))),
    Column("Max Unavailable", lambda b: str(spec(b).get("maxUnavailable", "N/A"))),
    Column("Allowed Disruptions", lambda b: status(b).get("disruptionsAllowed", 0), "integer"),
)
