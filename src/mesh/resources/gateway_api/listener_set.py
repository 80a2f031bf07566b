"""ListenerSet (gateway.networking.k8s.io): listeners that others add to a Gateway."""

from msgspec import field

from mesh.resources.gateway_api.types import GROUP, Listener, ListenerStatus
from mesh.resources.values.meta import Condition, Part, Resource


class ParentGatewayReference(Part, frozen=True):
    """`namespace` "": that of the ListenerSet."""

    name: str
    group: str = GROUP
    kind: str = "Gateway"
    namespace: str = ""


class ListenerSetSpec(Part, frozen=True):
    parent_ref: ParentGatewayReference
    listeners: list[Listener] = []


class ListenerSetStatus(Part, frozen=True):
    conditions: list[Condition] = []
    listeners: list[ListenerStatus] = []


class ListenerSet(Resource, frozen=True):
    spec: ListenerSetSpec
    status: ListenerSetStatus = field(default_factory=ListenerSetStatus)
