"""Everything Envoy should know at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mesh.routing.model.cluster import Cluster, Endpoint
from mesh.routing.model.listener import Listener
from mesh.routing.model.security import Authentication
from mesh.routing.model.table import RouteTable


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything Envoy should know at one moment, by name; `version` is the store's when it was built."""

    version: int
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    tables: Mapping[str, RouteTable] = field(default_factory=dict)
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    authentications: Mapping[str, Authentication] = field(default_factory=dict)
