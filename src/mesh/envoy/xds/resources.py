"""A snapshot's parts as xDS resources: encoded once, each with a version of its own.

A version is a digest of the message, so that it means the same to an Envoy that reconnects, also after a restart of the
daemon.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Any

from google.protobuf import any_pb2

from mesh.envoy.encode.authentication import encode_authentication
from mesh.envoy.encode.branch_records import NO_RECORDS, RecordEncoder, Records
from mesh.envoy.encode.cluster import encode_cluster
from mesh.envoy.encode.endpoint import encode_endpoints
from mesh.envoy.encode.listener import encode_listener
from mesh.envoy.encode.protobuf import packed
from mesh.envoy.encode.route_table import TableEncoder
from mesh.envoy.xds.consistency import require_consistent
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.security import Authentication
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.security.authentication import ROWS


class Kind(Enum):
    """The types of resources that Envoy asks for, by their type URL."""

    CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
    ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
    EXTENSION = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"


BY_URL = {kind.value: kind for kind in Kind}
# Envoy subscribes to all of these; of the other kinds to what its clusters and listeners name.
WILDCARD = frozenset((Kind.CLUSTER, Kind.LISTENER))


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: the value it was made of, the message, and a version that changes with the value."""

    name: str
    value: Any
    message: any_pb2.Any
    version: str


Resources = Mapping[Kind, Mapping[str, Resource]]


class Encoder:
    """Remembers what it encoded: a value that did not change is not encoded again.

    `records` are those of the last snapshot's branches, which are no resources: Envoy's scripts read them from files.
    """

    def __init__(self) -> None:
        self._resources: dict[Kind, dict[str, Resource]] = {kind: {} for kind in Kind}
        self._consistent: Snapshot | None = None
        self._tables = TableEncoder()
        self._branches = RecordEncoder()
        self.records: Records = NO_RECORDS

    def encode(self, snapshot: Snapshot) -> Resources:
        """All resources of a snapshot. Raises Inconsistent when it names what it lacks."""
        require_consistent(snapshot, self._consistent)
        self._consistent = snapshot
        self.records = self._branches.encode(snapshot)
        ways = self._branches.ways
        self._resources = {
            Kind.CLUSTER: self._group(Kind.CLUSTER, snapshot.clusters, lambda _, cluster: encode_cluster(cluster)),
            Kind.ENDPOINTS: self._group(Kind.ENDPOINTS, snapshot.endpoints, encode_endpoints),
            Kind.LISTENER: self._group(
                Kind.LISTENER, snapshot.listeners, lambda _, listener: encode_listener(listener)
            ),
            Kind.EXTENSION: self._group(Kind.EXTENSION, _authentications(snapshot), self._extension),
            Kind.ROUTES: self._group(Kind.ROUTES, snapshot.tables, lambda _, table: self._tables.encode(table, ways)),
        }
        return self._resources

    def _extension(self, name: str, value: Authentication) -> object:
        former = self._resources[Kind.EXTENSION].get(name)
        return encode_authentication(value, former.value if former is not None else None)

    def _group(
        self, kind: Kind, values: Mapping[str, Any], encode: Callable[[str, Any], object]
    ) -> dict[str, Resource]:
        former = self._resources[kind]
        group = {}
        for name, value in values.items():
            resource = former.get(name)
            # By identity first: most values are the same object as before, and comparing a large table takes long.
            if resource is None or (resource.value is not value and resource.value != value):
                encoded = encode(name, value)
                message = encoded if isinstance(encoded, any_pb2.Any) else packed(encoded)
                resource = Resource(name, value, message, blake2b(message.value, digest_size=12).hexdigest())
            group[name] = resource
        return group


def _authentications(snapshot: Snapshot) -> Mapping[str, Authentication]:
    """Of every filter that asks for tokens; one that the snapshot does not name asks for none."""
    names = (name for listener in snapshot.listeners.values() for name in extensions_of(listener))
    return {**{name: Authentication(name) for name in dict.fromkeys(names)}, **snapshot.authentications}


def extensions_of(listener: Listener) -> tuple[str, ...]:
    """The filters of a listener whose configurations are resources of their own."""
    if not listener.tables:
        return ()
    return (ROWS, listener.name) if listener.role is Role.GATEWAY else (ROWS,)
