"""ReplicationController (Kubernetes core/v1): a ReplicaSet's predecessor, whose selector is a plain map."""

from msgspec import field

from mesh.resources.core.pod import PodTemplateSpec
from mesh.resources.values.meta import Condition, Part, Resource


class ReplicationControllerSpec(Part, frozen=True):
    template: PodTemplateSpec
    selector: dict[str, str] = {}
    replicas: int = 1
    min_ready_seconds: int = 0


class ReplicationControllerStatus(Part, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    conditions: list[Condition] = []


class ReplicationController(Resource, frozen=True):
    spec: ReplicationControllerSpec
    status: ReplicationControllerStatus = field(default_factory=ReplicationControllerStatus)
