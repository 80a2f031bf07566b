"""HorizontalPodAutoscaler (Kubernetes autoscaling/v2)."""

from typing import Annotated, Any

from msgspec import field

from mesh.resources.values.meta import Condition, Part, Resource
from mesh.resources.values.shaped import shaped

Json = dict[str, Any]
Quantity = Annotated[str | int | float, shaped("quantity")]


class CrossVersionObjectReference(Part, frozen=True):
    kind: str = ""
    name: str = ""
    api_version: str = ""


class MetricTarget(Part, frozen=True):
    """`type` is Utilization (per cent of the request), AverageValue (per pod) or Value."""

    type: str = ""
    value: Quantity | None = None
    average_value: Quantity | None = None
    average_utilization: int | None = None


class ResourceMetricSource(Part, frozen=True):
    name: str
    target: MetricTarget


class ContainerResourceMetricSource(Part, frozen=True):
    name: str
    container: str
    target: MetricTarget


class MetricSpec(Part, frozen=True):
    """Metrics of the machine's own figures (Resource, ContainerResource) count; the others are unknown here."""

    type: str
    resource: ResourceMetricSource | None = None
    container_resource: ContainerResourceMetricSource | None = None
    pods: Json | None = None
    object: Json | None = None
    external: Json | None = None


class ScalingPolicy(Part, frozen=True):
    """At most `value` Pods or Percent within `period_seconds`."""

    type: str
    value: int
    period_seconds: int


class ScalingRules(Part, frozen=True):
    stabilization_window_seconds: int | None = None
    select_policy: str = "Max"
    policies: list[ScalingPolicy] = []
    tolerance: Quantity | None = None


class Behavior(Part, frozen=True):
    scale_up: ScalingRules | None = None
    scale_down: ScalingRules | None = None


class HorizontalPodAutoscalerSpec(Part, frozen=True):
    max_replicas: int = 0
    scale_target_ref: CrossVersionObjectReference = field(default_factory=CrossVersionObjectReference)
    min_replicas: int = 1
    metrics: list[MetricSpec] = []
    behavior: Behavior | None = None


class HorizontalPodAutoscalerStatus(Part, frozen=True):
    observed_generation: int | None = None
    last_scale_time: str | None = None
    current_replicas: int = 0
    desired_replicas: int = 0
    current_metrics: list[Json] = []
    conditions: list[Condition] = []


class HorizontalPodAutoscaler(Resource, frozen=True):
    spec: HorizontalPodAutoscalerSpec = field(default_factory=HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = field(default_factory=HorizontalPodAutoscalerStatus)
