"""What a HorizontalPodAutoscaler can get wrong by itself."""

from collections.abc import Iterator

from mesh.resources.core.horizontal_pod_autoscaler import (
    HorizontalPodAutoscaler,
    MetricSpec,
    MetricTarget,
    ScalingRules,
)
from mesh.resources.values.names import none_of
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]
# The longest windows: Kubernetes' MaxStabilizationWindowSeconds and MaxPeriodSeconds.
LONGEST_WINDOW, LONGEST_PERIOD = 3600, 1800
SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def check_autoscaler(autoscaler: HorizontalPodAutoscaler) -> Errors:
    """Everything wrong with a HorizontalPodAutoscaler by itself."""
    spec = autoscaler.spec
    if spec.min_replicas < 1:
        yield FieldError("spec.minReplicas", f"{spec.min_replicas} is below 1")
    if spec.max_replicas < 1:
        yield required("spec.maxReplicas", f"{spec.max_replicas} is below 1")
    if spec.max_replicas < spec.min_replicas:
        yield FieldError("spec.maxReplicas", f"{spec.max_replicas} is below minReplicas ({spec.min_replicas})")
    target = spec.scale_target_ref
    for name, value in (("kind", target.kind), ("name", target.name)):
        if not value:
            yield required(f"spec.scaleTargetRef.{name}", "is missing")
    if "/" not in target.api_version and target.kind != "ReplicationController":
        why = f'"{target.api_version}" has no group (for example, apps/v1)'
        yield FieldError("spec.scaleTargetRef.apiVersion", why)
    for number, metric in enumerate(spec.metrics):
        yield from _metric(metric, f"spec.metrics[{number}]")
    if spec.behavior is not None:
        yield from _rules(spec.behavior.scale_up, "spec.behavior.scaleUp")
        yield from _rules(spec.behavior.scale_down, "spec.behavior.scaleDown")


def _metric(metric: MetricSpec, at: str) -> Errors:
    if metric.type not in SOURCES:
        yield from none_of(metric.type, tuple(SOURCES), f"{at}.type")
        return
    sources = {
        "resource": metric.resource,
        "containerResource": metric.container_resource,
        "pods": metric.pods,
        "object": metric.object,
        "external": metric.external,
    }
    own = SOURCES[metric.type]
    if sources[own] is None:
        yield required(f"{at}.{own}", f"is missing; a metric of type {metric.type} has it")
    for name, source in sources.items():
        if name != own and source is not None:
            yield FieldError(f"{at}.{name}", f"cannot be used in a metric of type {metric.type}")
    for name, typed in (("resource", metric.resource), ("containerResource", metric.container_resource)):
        if typed is not None:
            if not typed.name:
                yield required(f"{at}.{name}.name", "is missing")
            yield from _target(typed.target, f"{at}.{name}.target")


def _target(target: MetricTarget, at: str) -> Errors:
    if not target.type:
        yield required(f"{at}.type", "is missing")
    else:
        yield from none_of(target.type, ("Utilization", "Value", "AverageValue"), f"{at}.type")
    if target.average_utilization is None and target.average_value is None:
        yield required(f"{at}.averageUtilization", "is missing, and so is averageValue")
    elif target.average_utilization is not None and target.average_value is not None:
        yield FieldError(f"{at}.averageValue", "cannot be used with averageUtilization")
    elif target.average_utilization is not None and target.average_utilization < 1:
        yield FieldError(f"{at}.averageUtilization", f"{target.average_utilization} is below 1")


def _rules(rules: ScalingRules | None, at: str) -> Errors:
    if rules is None:
        return
    window = rules.stabilization_window_seconds
    if window is not None and not 0 <= window <= LONGEST_WINDOW:
        yield FieldError(f"{at}.stabilizationWindowSeconds", f"{window} is not in 0-{LONGEST_WINDOW}")
    yield from none_of(rules.select_policy, ("Max", "Min", "Disabled"), f"{at}.selectPolicy")
    if not rules.policies:
        yield required(f"{at}.policies", "is empty; give at least one")
    for number, policy in enumerate(rules.policies):
        path = f"{at}.policies[{number}]"
        yield from none_of(policy.type, ("Pods", "Percent"), f"{path}.type")
        if policy.value < 1:
            yield FieldError(f"{path}.value", f"{policy.value} is below 1")
        if not 1 <= policy.period_seconds <= LONGEST_PERIOD:
            yield FieldError(f"{path}.periodSeconds", f"{policy.period_seconds} is not in 1-{LONGEST_PERIOD}")
