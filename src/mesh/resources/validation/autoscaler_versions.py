"""HorizontalPodAutoscaler as autoscaling/v1 and as v2: the same object in two forms.

What v1 has no field for stands in annotations of it, in v2's form, so that nothing is lost on the way there and back
(Kubernetes, `k8s.io/api/autoscaling/v1`).
"""

import json
from typing import Any

from mesh.resources.values.body import Body

V1, V2 = "autoscaling/v1", "autoscaling/v2"
PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, BEHAVIOR = f"{PREFIX}metrics", f"{PREFIX}behavior"
CONDITIONS, CURRENT = f"{PREFIX}conditions", f"{PREFIX}current-metrics"
TARGET = "targetCPUUtilizationPercentage"
CURRENT_TARGET = "currentCPUUtilizationPercentage"


def to_first_version(body: Body) -> Body:
    """An autoscaler in the form of v2. What is malformed is passed on as it is, for the check to find."""
    if body.get("apiVersion") != V1:
        return body
    converted: Body = {**body, "apiVersion": V2}
    annotations = dict((body.get("metadata") or {}).get("annotations") or {})
    metrics, behavior = _list(annotations.pop(METRICS, "")), _map(annotations.pop(BEHAVIOR, ""))
    for name in (CONDITIONS, CURRENT):
        annotations.pop(name, None)
    if "annotations" in body.get("metadata", {}):
        converted["metadata"] = _without_empty({**body["metadata"], "annotations": annotations}, "annotations")
    spec = body.get("spec")
    if isinstance(spec, dict):
        spec = dict(spec)
        target = spec.pop(TARGET, None)
        if target is not None:
            cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}
            metrics = [{"type": "Resource", "resource": cpu}, *metrics]
        if metrics:
            spec["metrics"] = metrics
        if behavior:
            spec["behavior"] = behavior
        converted["spec"] = spec
    status = body.get("status")
    if isinstance(status, dict):
        converted["status"] = {name: value for name, value in status.items() if name != CURRENT_TARGET}
    return converted


def at_version(body: Body, version: str) -> Body:
    """A stored autoscaler in the form of a version, "v1" or "v2"."""
    if version == "v2":
        return body
    spec, status = dict(body["spec"]), dict(body.get("status") or {})
    metadata = body["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    metrics = list(spec.pop("metrics", None) or [])
    cpu = next((metric for metric in metrics if _cpu_target(metric) is not None), None)
    if cpu is not None:
        spec[TARGET] = _cpu_target(cpu)
        metrics.remove(cpu)
    current = list(status.pop("currentMetrics", None) or [])
    used = next((metric for metric in current if _is_cpu(metric)), None)
    if used is not None:
        utilisation = (used["resource"].get("current") or {}).get("averageUtilization")
        if utilisation is not None:
            status[CURRENT_TARGET] = utilisation
    for name, value in (
        (METRICS, metrics),
        (BEHAVIOR, spec.pop("behavior", None)),
        (CONDITIONS, status.pop("conditions", None)),
        (CURRENT, current),
    ):
        if value:
            annotations[name] = json.dumps(value, separators=(",", ":"))
    converted = {**body, "apiVersion": V1, "spec": spec}
    if annotations:
        converted["metadata"] = {**metadata, "annotations": annotations}
    if "status" in body:
        converted["status"] = status
    return converted


def _is_cpu(metric: Any) -> bool:
    return metric.get("type") == "Resource" and (metric.get("resource") or {}).get("name") == "cpu"


def _cpu_target(metric: Any) -> int | None:
    """The per cent that v1 has a field for; None for other metrics."""
    if not _is_cpu(metric):
        return None
    target: int | None = (metric["resource"].get("target") or {}).get("averageUtilization")
    return target


def _list(text: str) -> list[Any]:
    value = _decoded(text)
    return value if isinstance(value, list) else []


def _map(text: str) -> dict[str, Any]:
    value = _decoded(text)
    return value if isinstance(value, dict) else {}


def _decoded(text: str) -> Any:
    """What an annotation contains; anyone may write one, so that one which is not JSON counts as missing."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _without_empty(metadata: Body, name: str) -> Body:
    return metadata if metadata[name] else {key: value for key, value in metadata.items() if key != name}
