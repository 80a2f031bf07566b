"""Deployment and ReplicaSet (Kubernetes apps/v1)."""

from msgspec import field

from mesh.resources.core.pod import IntOrString, PodTemplateSpec
from mesh.resources.values.meta import Condition, LabelSelector, Part, Resource

# The annotation of a Deployment that stays stored and runs no pods until somebody writes it.
DORMANT = "meshmall.dev/dormant"


class RollingUpdateDeployment(Part, frozen=True):
    """A number of pods, or a percentage of the replicas such as "25%"."""

    max_surge: IntOrString = "25%"
    max_unavailable: IntOrString = "25%"


class DeploymentStrategy(Part, frozen=True):
    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDeployment | None = None


class DeploymentSpec(Part, frozen=True):
    selector: LabelSelector = field(default_factory=LabelSelector)
    template: PodTemplateSpec = field(default_factory=PodTemplateSpec)
    replicas: int = 1
    strategy: DeploymentStrategy = field(default_factory=DeploymentStrategy)
    min_ready_seconds: int = 0
    progress_deadline_seconds: int = 600
    revision_history_limit: int = 10
    paused: bool = False


class DeploymentStatus(Part, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    terminating_replicas: int = 0
    conditions: list[Condition] = []
    collision_count: int | None = None


class Deployment(Resource, frozen=True):
    spec: DeploymentSpec = field(default_factory=DeploymentSpec)
    status: DeploymentStatus = field(default_factory=DeploymentStatus)


class ReplicaSetSpec(Part, frozen=True):
    selector: LabelSelector = field(default_factory=LabelSelector)
    template: PodTemplateSpec = field(default_factory=PodTemplateSpec)
    replicas: int = 1
    min_ready_seconds: int = 0


class ReplicaSetStatus(Part, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int = 0
    conditions: list[Condition] = []


class ReplicaSet(Resource, frozen=True):
    spec: ReplicaSetSpec = field(default_factory=ReplicaSetSpec)
    status: ReplicaSetStatus = field(default_factory=ReplicaSetStatus)
