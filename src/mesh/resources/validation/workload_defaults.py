"""The defaults that Kubernetes' API server writes into workloads other than Deployments, and into what they use."""

import copy
from typing import Any

from mesh.resources.validation.defaults import fill_template
from mesh.resources.values.body import Body

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"

# What an autoscaler does that says nothing else: Kubernetes' GenerateHPAScaleUpRules and -DownRules.
SCALE_UP: Body = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
SCALE_DOWN: Body = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
CPU_AT_80: Body = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def fill_stateful_set(body: Body) -> None:
    """A StatefulSet's defaults."""
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("serviceName", "")
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("partition", 0)
        rolling.setdefault("maxUnavailable", 1)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    for claim in spec.get("volumeClaimTemplates", ()):
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("metadata", {})
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {}).setdefault("phase", "Pending")
    fill_template(spec.setdefault("template", {}))


def fill_daemon_set(body: Body) -> None:
    """A DaemonSet's defaults, with the annotation that counts its templates."""
    spec = body.setdefault("spec", {})
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    body["metadata"].setdefault("annotations", {}).setdefault(TEMPLATE_GENERATION, "1")
    fill_template(spec.setdefault("template", {}))


def fill_replication_controller(body: Body) -> None:
    """A ReplicationController's defaults: without labels or a selector of its own it has its pods'."""
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    labels = (spec.setdefault("template", {}).get("metadata") or {}).get("labels")
    if labels:
        spec["selector"] = spec.get("selector") or dict(labels)
        body["metadata"]["labels"] = body["metadata"].get("labels") or dict(labels)
    fill_template(spec.setdefault("template", {}))


def fill_claim(body: Body) -> None:
    """A PersistentVolumeClaim's defaults, with the finalizer that keeps it while a pod uses it."""
    body.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    # Only while it is created: a finalizer that the controller has removed must not come back.
    if not body["metadata"].get("deletionTimestamp"):
        _add_finalizer(body, CLAIM_PROTECTION)
    body.setdefault("status", {}).setdefault("phase", "Pending")


def fill_volume(body: Body) -> None:
    """A PersistentVolume's defaults, with the finalizer that keeps it while it is bound."""
    spec = body.setdefault("spec", {})
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    if "hostPath" in spec:
        spec["hostPath"].setdefault("type", "")
    if not body["metadata"].get("deletionTimestamp"):
        _add_finalizer(body, VOLUME_PROTECTION)
    body.setdefault("status", {}).setdefault("phase", "Pending")


def fill_storage_class(body: Body) -> None:
    """A StorageClass's defaults."""
    body.setdefault("reclaimPolicy", "Delete")
    body.setdefault("volumeBindingMode", "Immediate")


def fill_autoscaler(body: Body) -> None:
    """A HorizontalPodAutoscaler's defaults (autoscaling/v2)."""
    spec = body.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        spec["metrics"] = [copy.deepcopy(CPU_AT_80)]
    behavior = spec.get("behavior")
    if behavior is not None:
        for name, defaults in (("scaleUp", SCALE_UP), ("scaleDown", SCALE_DOWN)):
            behavior[name] = _with(behavior.get(name), defaults)


def _with(rules: Body | None, defaults: Body) -> Body:
    return {**copy.deepcopy(defaults), **(rules or {})}


def _add_finalizer(body: Body, finalizer: str) -> None:
    finalizers: list[Any] = body["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)
