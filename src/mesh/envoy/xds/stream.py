"""One connection of Envoy's: what it has subscribed to, what it was sent, and what it has acknowledged.

Follows the incremental protocol (DeltaDiscoveryRequest and -Response in Envoy's xDS documentation). A response carries
a nonce; a request with that nonce acknowledges it or, with `error_detail`, refuses it. A refusal leaves the last good
version in force at Envoy.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from envoy.service.discovery.v3 import discovery_pb2

from mesh.envoy.xds.refusals import Refusal, Refusals
from mesh.envoy.xds.resources import BY_URL, WILDCARD, Kind, Resources

Request: TypeAlias = discovery_pb2.DeltaDiscoveryRequest
Response: TypeAlias = discovery_pb2.DeltaDiscoveryResponse


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A response that Envoy has not answered yet: versions by name, and names of removed resources."""

    kind: Kind
    versions: Mapping[str, str]
    removed: frozenset[str]


class Stream:
    """Turns changes of `resources` into responses (`outgoing`), and requests into `refusals` and acknowledgements.

    `resources` is what Envoy should have; its owner changes it in place, and then calls `send`.
    """

    def __init__(self, resources: Resources, refusals: Refusals) -> None:
        self._resources = resources
        self._refusals = refusals
        self._subscribed: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        self._wildcard: set[Kind] = set()
        self._outstanding: dict[str, Outstanding] = {}
        self._acknowledged: dict[Kind, dict[str, str]] = {kind: {} for kind in Kind}
        self._nonce = 0
        # Clusters that a reconnecting Envoy has and should not: its route tables may still name them.
        self._stale_clusters: frozenset[str] = frozenset()
        self.outgoing: asyncio.Queue[Response] = asyncio.Queue()

    def wants(self, kind: Kind, name: str) -> bool:
        """Whether Envoy has subscribed to a resource."""
        return kind in self._wildcard or name in self._subscribed[kind]

    def has_acknowledged(self, kind: Kind, name: str, version: str) -> bool:
        return self._acknowledged[kind].get(name) == version

    def is_removing(self, removals: Mapping[Kind, frozenset[str]]) -> bool:
        """Whether Envoy was sent a removal of one of these and has not answered yet."""
        return any(
            name in removals.get(response.kind, ())
            for response in self._outstanding.values()
            for name in response.removed
        )

    def send(self, kind: Kind, names: Iterable[str], removed: Iterable[str] = ()) -> None:
        """Sends resources as they are now, and removals. A name that there is no resource for is removed as well."""
        group = self._resources[kind]
        names = list(names)
        present = [group[name] for name in names if name in group]
        gone = frozenset((*removed, *(name for name in names if name not in group)))
        self._nonce += 1
        nonce = str(self._nonce)
        response = Response(type_url=kind.value, nonce=nonce, removed_resources=sorted(gone))
        for resource in present:
            response.resources.add(name=resource.name, version=resource.version, resource=resource.message)
        versions = {resource.name: resource.version for resource in present}
        self._outstanding[nonce] = Outstanding(kind, versions, gone)
        self.outgoing.put_nowait(response)

    def receive(self, request: Request) -> None:
        """Takes in an answer, or a change of what Envoy has subscribed to. Kinds that are not served are ignored."""
        kind = BY_URL.get(request.type_url)
        if kind is None:
            return
        if request.response_nonce:
            self._answered(request)
        is_first = not self._subscribed[kind] and kind not in self._wildcard
        names = [name for name in request.resource_names_subscribe if name != "*"]
        # A first request that names nothing is the older form of a subscription to everything.
        if "*" in request.resource_names_subscribe or (is_first and kind in WILDCARD and not names):
            self._wildcard.add(kind)
            self._catch_up(kind, request.initial_resource_versions)
        for name in request.resource_names_unsubscribe:
            self._subscribed[kind].discard(name)
            self._acknowledged[kind].pop(name, None)
        if names:
            self._subscribed[kind].update(names)
            # Always, even what a reconnecting Envoy says it has: a listener or cluster that was just added there may
            # be warming, and it warms until a response comes, whoever else has received that resource before.
            self.send(kind, names)

    def _catch_up(self, kind: Kind, initial: Mapping[str, str]) -> None:
        """Sends what an Envoy lacks that has (after a reconnection) these versions.

        Always sends a response: an Envoy that starts waits for its first one, even if it is empty.
        """
        current = {name: resource.version for name, resource in self._resources[kind].items()}
        up_to_date = {name: version for name, version in initial.items() if current.get(name) == version}
        self._acknowledged[kind].update(up_to_date)
        stale = frozenset(initial.keys() - current.keys())
        if kind is Kind.CLUSTER:
            self._stale_clusters, stale = stale, frozenset()
        self.send(kind, [name for name in current if name not in up_to_date], stale)

    def drop_stale(self) -> None:
        """Removes the clusters that Envoy had kept from before, once it has the route tables that do without them."""
        stale = self._stale_clusters - self._resources[Kind.CLUSTER].keys()
        self._stale_clusters = frozenset()
        if stale:
            self.send(Kind.CLUSTER, (), stale)

    def _answered(self, request: Request) -> None:
        response = self._outstanding.pop(request.response_nonce, None)
        if response is None:
            return
        kind = response.kind
        for name in response.removed:
            self._acknowledged[kind].pop(name, None)
        if not request.HasField("error_detail"):
            self._acknowledged[kind].update(response.versions)
            for name, version in response.versions.items():
                self._refusals.withdraw(kind, name, version)
        elif len(response.versions) > 1:
            # The answer names no resource, and Envoy may have taken none of them: sent alone, each gets its own answer.
            for name in response.versions:
                self.send(kind, [name])
        else:
            for name, version in response.versions.items():
                self._refusals.add(kind, name, Refusal(version, request.error_detail.message))
