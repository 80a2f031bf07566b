"""PodDisruptionBudget (Kubernetes policy/v1)."""

from msgspec import field

from mesh.resources.core.pod import IntOrString
from mesh.resources.values.meta import Condition, LabelSelector, Part, Resource


class PodDisruptionBudgetSpec(Part, frozen=True):
    """How many of the selected pods an eviction must leave (numbers or percentages); one of the two is given."""

    selector: LabelSelector | None = None
    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    unhealthy_pod_eviction_policy: str | None = None


class PodDisruptionBudgetStatus(Part, frozen=True):
    """`disrupted_pods` are being evicted: the time of each, by its name."""

    observed_generation: int = 0
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    disrupted_pods: dict[str, str] = {}
    conditions: list[Condition] = []


class PodDisruptionBudget(Resource, frozen=True):
    spec: PodDisruptionBudgetSpec = field(default_factory=PodDisruptionBudgetSpec)
    status: PodDisruptionBudgetStatus = field(default_factory=PodDisruptionBudgetStatus)
