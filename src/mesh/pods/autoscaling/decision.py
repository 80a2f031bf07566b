"""How many replicas an autoscaler wants, by Kubernetes' algorithm. Pure: the caller passes time and history.

Source: Kubernetes' "Horizontal Pod Autoscaling" (algorithm details, scaling policies, stabilization window).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mesh.resources.core.horizontal_pod_autoscaler import HorizontalPodAutoscalerSpec, ScalingPolicy, ScalingRules

TOLERANCE = 0.1
DOWN_WINDOW = 300
# What holds where the spec says nothing about a direction.
UP_POLICIES = (
    ScalingPolicy(type="Pods", value=4, period_seconds=15),
    ScalingPolicy(type="Percent", value=100, period_seconds=15),
)
DOWN_POLICIES = (ScalingPolicy(type="Percent", value=100, period_seconds=15),)


class Rescale(NamedTuple):
    """A change of the number of replicas, at a monotonic time."""

    when: float
    change: int


class Recommendation(NamedTuple):
    """What the metrics asked for, at a monotonic time."""

    when: float
    replicas: int


@dataclass(slots=True)
class History:
    """What an autoscaler has done and wanted, for its windows; older entries are dropped by `trimmed`."""

    rescales: list[Rescale] = field(default_factory=list)
    recommendations: list[Recommendation] = field(default_factory=list)

    def trimmed(self, now: float, longest: float = 3600.0) -> "History":
        """The entries that some window may still look at."""
        return History(
            [entry for entry in self.rescales if entry.when > now - longest],
            [entry for entry in self.recommendations if entry.when > now - longest],
        )


class Desired(NamedTuple):
    """The number of replicas, and the conditions AbleToScale and ScalingLimited as (status, reason, message)."""

    replicas: int
    able: tuple[bool, str, str]
    limited: tuple[bool, str, str]


TOO_MANY = (True, "TooManyReplicas", "the desired replica count is more than the maximum replica count")
TOO_FEW = (True, "TooFewReplicas", "the desired replica count is less than the minimum replica count")
READY = (True, "ReadyForNewScale", "recommended size matches current size")
WITHIN = (False, "DesiredWithinRange", "the desired count is within the acceptable range")


def for_ratio(current: int, pods: int, ratio: float, tolerance: float = TOLERANCE) -> int:
    """How many replicas bring a metric to its target, which it exceeds `ratio` times on `pods` pods that are ready."""
    if abs(ratio - 1.0) <= tolerance:
        return current
    proposed = math.ceil(round(ratio * pods, 6))
    # What pods that are not ready would use is not known: it is no reason for a step in the other direction.
    if (ratio > 1.0 and proposed < current) or (ratio < 1.0 and proposed > current):
        return current
    return proposed


def desired_replicas(
    spec: HorizontalPodAutoscalerSpec, current: int, proposed: int, history: History, now: float
) -> Desired:
    """`proposed` within the windows, policies and limits of the spec."""
    up = spec.behavior.scale_up if spec.behavior is not None else None
    down = spec.behavior.scale_down if spec.behavior is not None else None
    stabilized, able = _stabilized(current, proposed, history, now, up, down)
    if stabilized > current:
        allowed = _most(current, history, now, up)
        limited = min(stabilized, max(allowed, current))
        reason = "ScaleUpLimit"
    elif stabilized < current:
        allowed = _least(current, history, now, down)
        limited = max(stabilized, min(allowed, current))
        reason = "ScaleDownLimit"
    else:
        limited, reason = stabilized, ""
    least, most = spec.min_replicas, spec.max_replicas
    if limited > most:
        return Desired(
            most, able, (True, "TooManyReplicas", "the desired replica count is more than the maximum replica count")
        )
    if limited < least:
        return Desired(
            least, able, (True, "TooFewReplicas", "the desired replica count is less than the minimum replica count")
        )
    if limited != stabilized:
        direction = "increasing" if reason == "ScaleUpLimit" else "decreasing"
        return Desired(
            limited,
            able,
            (True, reason, f"the desired replica count is {direction} faster than the maximum scale rate"),
        )
    return Desired(limited, able, WITHIN)


def _stabilized(
    current: int, proposed: int, history: History, now: float, up: ScalingRules | None, down: ScalingRules | None
) -> tuple[int, tuple[bool, str, str]]:
    """The least of what was wanted within the window upwards, and the most within the window downwards."""
    up_window = up.stabilization_window_seconds or 0 if up is not None else 0
    down_window = DOWN_WINDOW
    if down is not None and down.stabilization_window_seconds is not None:
        down_window = down.stabilization_window_seconds
    lowest = min([proposed, *_within(history.recommendations, now, up_window)])
    highest = max([proposed, *_within(history.recommendations, now, down_window)])
    result = current
    result = max(result, lowest)
    result = min(result, highest)
    if result == proposed:
        return result, READY
    if proposed > current:
        message = "recent recommendations were lower than current one, applying the lowest recent recommendation"
        return result, (True, "ScaleUpStabilized", message)
    message = "recent recommendations were higher than current one, applying the highest recent recommendation"
    return result, (True, "ScaleDownStabilized", message)


def _within(entries: Sequence[Recommendation], now: float, window: float) -> list[int]:
    return [entry.replicas for entry in entries if entry.when > now - window]


def _most(current: int, history: History, now: float, rules: ScalingRules | None) -> int:
    """How many replicas the policies allow to scale up to."""
    if rules is not None and rules.select_policy == "Disabled":
        return current
    limits = []
    for policy in (rules.policies if rules is not None else None) or UP_POLICIES:
        added = sum(max(0, entry.change) for entry in history.rescales if entry.when > now - policy.period_seconds)
        before = current - added
        limits.append(before + policy.value if policy.type == "Pods" else math.ceil(before * (1 + policy.value / 100)))
    return min(limits) if rules is not None and rules.select_policy == "Min" else max(limits)


def _least(current: int, history: History, now: float, rules: ScalingRules | None) -> int:
    """How many replicas the policies allow to scale down to."""
    if rules is not None and rules.select_policy == "Disabled":
        return current
    limits = []
    for policy in (rules.policies if rules is not None else None) or DOWN_POLICIES:
        removed = sum(max(0, -entry.change) for entry in history.rescales if entry.when > now - policy.period_seconds)
        before = current + removed
        limits.append(before - policy.value if policy.type == "Pods" else math.floor(before * (1 - policy.value / 100)))
    return max(limits) if rules is not None and rules.select_policy == "Min" else min(limits)
