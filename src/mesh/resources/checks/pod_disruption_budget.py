"""What a PodDisruptionBudget can get wrong by itself."""

from collections.abc import Iterator

from mesh.resources.core.pod_disruption_budget import PodDisruptionBudget
from mesh.resources.values.durations import share
from mesh.resources.values.names import none_of, wrong_labels
from mesh.resources.values.problems import FieldError

Errors = Iterator[FieldError]


def check_budget(budget: PodDisruptionBudget) -> Errors:
    """Everything wrong with a PodDisruptionBudget by itself."""
    spec = budget.spec
    if spec.min_available is not None and spec.max_unavailable is not None:
        yield FieldError("spec", "has both minAvailable and maxUnavailable; give one of them")
    for name, value in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        if value is None:
            continue
        try:
            number = share(value, 100, up=True)
        except ValueError as error:
            yield FieldError(f"spec.{name}", str(error))
            continue
        if number < 0:
            yield FieldError(f"spec.{name}", f"{value} is below 0")
        elif isinstance(value, str) and number > 100:
            yield FieldError(f"spec.{name}", f'"{value}" is above 100%')
    if spec.unhealthy_pod_eviction_policy is not None:
        policies = ("IfHealthyBudget", "AlwaysAllow")
        yield from none_of(spec.unhealthy_pod_eviction_policy, policies, "spec.unhealthyPodEvictionPolicy")
    if spec.selector is not None:
        labels = wrong_labels(spec.selector.match_labels)
        yield from (FieldError(f"spec.selector.matchLabels[{key}]", why) for key, why in labels)
