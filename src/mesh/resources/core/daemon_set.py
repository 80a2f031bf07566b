"""DaemonSet (Kubernetes apps/v1)."""

from msgspec import field

from mesh.resources.core.pod import IntOrString, PodTemplateSpec
from mesh.resources.values.meta import Condition, LabelSelector, Part, Resource


class RollingUpdateDaemonSet(Part, frozen=True):
    max_surge: IntOrString = 0
    max_unavailable: IntOrString = 1


class DaemonSetUpdateStrategy(Part, frozen=True):
    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDaemonSet | None = None


class DaemonSetSpec(Part, frozen=True):
    selector: LabelSelector = field(default_factory=LabelSelector)
    template: PodTemplateSpec = field(default_factory=PodTemplateSpec)
    update_strategy: DaemonSetUpdateStrategy = field(default_factory=DaemonSetUpdateStrategy)
    min_ready_seconds: int = 0
    revision_history_limit: int = 10


class DaemonSetStatus(Part, frozen=True):
    observed_generation: int = 0
    current_number_scheduled: int = 0
    desired_number_scheduled: int = 0
    number_misscheduled: int = 0
    number_ready: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    number_unavailable: int = 0
    collision_count: int | None = None
    conditions: list[Condition] = []


class DaemonSet(Resource, frozen=True):
    spec: DaemonSetSpec = field(default_factory=DaemonSetSpec)
    status: DaemonSetStatus = field(default_factory=DaemonSetStatus)
