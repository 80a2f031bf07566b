"""XMesh (gateway.networking.x-k8s.io, experimental): the mesh as an object, whose status says what it supports."""

from msgspec import field

from mesh.resources.gateway_api.references import ParametersReference
from mesh.resources.values.meta import Condition, Part, Resource

GROUP = "gateway.networking.x-k8s.io"
CONTROLLER = "meshmall.dev/mesh-controller"


class MeshSpec(Part, frozen=True):
    controller_name: str
    description: str = ""
    parameters_ref: ParametersReference | None = None


class MeshStatus(Part, frozen=True):
    conditions: list[Condition] = []
    supported_features: list[dict[str, str]] = []


class XMesh(Resource, frozen=True):
    spec: MeshSpec
    status: MeshStatus = field(default_factory=MeshStatus)
