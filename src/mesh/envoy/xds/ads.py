"""The ADS server: incremental xDS over one gRPC stream on a Unix socket.

Follows Envoy's xDS protocol (DeltaAggregatedResources): a response is acknowledged or refused by its nonce;
a refused resource leaves the last good one in force at Envoy.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2

from mesh.envoy.xds.ordering import Step
from mesh.envoy.xds.resources import BY_URL, WILDCARD, Kind, Resource, Resources, extensions_of

EMPTY: Resources = {kind: {} for kind in Kind}
# A listener that is refused concerns nobody else; these are named by others.
STOPPING = (Kind.CLUSTER, Kind.ROUTES, Kind.EXTENSION)
OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 256 << 20),
)


@dataclass(slots=True)
class _Sent:
    """A response that waits for its answer."""

    kind: Kind
    versions: dict[str, str]
    removed: frozenset[str]


@dataclass(slots=True)
class _Stream:
    """One connection of Envoy's."""

    outgoing: "asyncio.Queue[discovery_pb2.DeltaDiscoveryResponse]" = field(default_factory=asyncio.Queue)
    subscribed: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in Kind})
    wildcard: set[Kind] = field(default_factory=set)
    waiting: dict[str, _Sent] = field(default_factory=dict)
    acknowledged: dict[Kind, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    nonce: int = 0

    def wants(self, kind: Kind, name: str) -> bool:
        return kind in self.wildcard or name in self.subscribed[kind]


# Adds a gRPC service to a server: what else Envoy talks to over the same socket.
Service = Callable[[grpc.aio.Server], None]


class AdsServer(ads_pb2_grpc.AggregatedDiscoveryServiceServicer):  # type: ignore[misc]  # no stubs
    """Serves `resources`; `carry_out` changes them a step at a time. `more` are services on the same socket."""

    def __init__(self, more: Sequence[Service] = ()) -> None:
        self._more = more
        self._resources: dict[Kind, dict[str, Resource]] = {kind: {} for kind in Kind}
        self._stream: _Stream | None = None
        self._refused: dict[tuple[Kind, str], tuple[str, str]] = {}
        self._moved = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    async def start(self, socket: Path) -> None:
        """Listens at a Unix socket. Its path may be of any length: the folder is named by a descriptor."""
        self._server = grpc.aio.server(options=OPTIONS)
        ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(self, self._server)
        for add in self._more:
            add(self._server)
        folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._server.add_insecure_port(f"unix:/proc/self/fd/{folder}/{socket.name}")
            await self._server.start()
        finally:
            os.close(folder)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(0)

    @property
    def connected(self) -> bool:
        return self._stream is not None

    @property
    def refused(self) -> Mapping[tuple[Kind, str], str]:
        """What Envoy refuses now, each with its reason."""
        return {key: reason for key, (_, reason) in self._refused.items()}

    async def carry_out(self, steps: Iterable[Step], new: Resources, *, whole: bool) -> Resources:
        """Tells Envoy each step and waits until it has taken or refused all of it. Returns what it was told.

        Unless `whole`, it stops after a step of which Envoy refused a cluster or a route table: what follows
        may take away what the last good one still names. While Envoy is away it waits: whoever comes back is
        told everything.
        """
        for step in steps:
            self._adopt(step, new)
            if self._stream is not None:
                self._tell(self._stream, step)
            await self._until_settled(step)
            if not whole and self._refuses(step):
                break
        else:
            self._resources = {kind: dict(new[kind]) for kind in Kind}
        self._refused = {
            (kind, name): held
            for (kind, name), held in self._refused.items()
            if name in self._resources[kind] and self._resources[kind][name].version == held[0]
        }
        return {kind: dict(group) for kind, group in self._resources.items()}

    async def again(self) -> None:
        """Offers once more the listeners that Envoy refuses: their port may have become free."""
        stream = self._stream
        names = frozenset(name for kind, name in self._refused if kind is Kind.LISTENER)
        if stream is None or not names:
            return
        for name in names:
            del self._refused[Kind.LISTENER, name]
            self._send(stream, Kind.LISTENER, [name], ())
        asked = frozenset(each for name in names for each in extensions_of(self._resources[Kind.LISTENER][name].value))
        await self._until_settled(Step(send={Kind.LISTENER: names}, awaited={Kind.EXTENSION: asked}))

    def _refuses(self, step: Step) -> bool:
        return any(
            self._refused.get((kind, name), ("",))[0] == self._resources[kind][name].version
            for kind in STOPPING
            for name in step.send.get(kind, ())
        )

    def _adopt(self, step: Step, new: Resources) -> None:
        for group in (step.send, step.awaited):
            for kind, names in group.items():
                for name in names:
                    self._resources[kind][name] = new[kind][name]
        for kind, names in step.remove.items():
            for name in names:
                self._resources[kind].pop(name, None)

    def _tell(self, stream: _Stream, step: Step) -> None:
        for kind in Kind:
            names = [name for name in step.send.get(kind, ()) if stream.wants(kind, name)]
            removed = [name for name in step.remove.get(kind, ()) if stream.wants(kind, name)]
            if names or removed:
                self._send(stream, kind, names, removed)

    def _send(self, stream: _Stream, kind: Kind, names: Iterable[str], removed: Iterable[str]) -> None:
        stream.nonce += 1
        nonce = str(stream.nonce)
        held = [self._resources[kind][name] for name in names if name in self._resources[kind]]
        missing = [name for name in names if name not in self._resources[kind]]
        gone = frozenset((*removed, *missing))
        response = discovery_pb2.DeltaDiscoveryResponse(
            type_url=kind.value, nonce=nonce, removed_resources=sorted(gone)
        )
        for each in held:
            response.resources.add(name=each.name, version=each.version, resource=each.message)
        stream.waiting[nonce] = _Sent(kind, {each.name: each.version for each in held}, gone)
        stream.outgoing.put_nowait(response)

    async def _until_settled(self, step: Step) -> None:
        while not self._is_settled(step):
            self._moved.clear()
            await self._moved.wait()

    def _is_settled(self, step: Step) -> bool:
        stream = self._stream
        if stream is None:
            return False
        for group in (step.send, step.awaited):
            for kind, names in group.items():
                for name in names:
                    if not self._took(stream, kind, name, must=group is step.awaited):
                        return False
        removing = {(kind, name) for kind, names in step.remove.items() for name in names}
        return not any((sent.kind, name) in removing for sent in stream.waiting.values() for name in sent.removed)

    def _took(self, stream: _Stream, kind: Kind, name: str, *, must: bool) -> bool:
        """Whether Envoy has answered for what is now held under this name."""
        if not must and not stream.wants(kind, name):
            # Nothing at Envoy names it yet; it will ask when something does. Its listeners and clusters, all
            # of which it asks for, are never in this case once it is connected.
            return kind not in WILDCARD
        version = self._resources[kind][name].version
        if stream.acknowledged[kind].get(name) == version:
            return True
        if must and self._parent_refused(kind, name):
            return True
        refused = self._refused.get((kind, name))
        return refused is not None and refused[0] == version

    def _parent_refused(self, kind: Kind, name: str) -> bool:
        """A listener or cluster that was refused never asks for what it names."""
        if kind is Kind.ENDPOINTS:
            return (Kind.CLUSTER, name) in self._refused
        listeners = self._resources[Kind.LISTENER].values()
        if kind is Kind.EXTENSION:
            namers = [each for each in listeners if name in extensions_of(each.value)]
        else:
            namers = [each for each in listeners if each.value.table == name]
        return all((Kind.LISTENER, each.name) in self._refused for each in namers)

    async def DeltaAggregatedResources(  # noqa: N802 - the service's name
        self,
        requests: AsyncIterator[discovery_pb2.DeltaDiscoveryRequest],
        _: grpc.aio.ServicerContext,
    ) -> AsyncIterator[discovery_pb2.DeltaDiscoveryResponse]:
        """One stream: reads what Envoy asks and answers, writes what it should have."""
        stream = self._stream = _Stream()
        self._refused.clear()
        reader = asyncio.ensure_future(self._read(stream, requests))
        try:
            while True:
                getter = asyncio.ensure_future(stream.outgoing.get())
                await asyncio.wait((getter, reader), return_when=asyncio.FIRST_COMPLETED)
                if not getter.done():
                    getter.cancel()
                    return
                yield getter.result()
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reader
            if self._stream is stream:
                self._stream = None

    async def _read(self, stream: _Stream, requests: AsyncIterator[discovery_pb2.DeltaDiscoveryRequest]) -> None:
        async for request in requests:
            kind = BY_URL.get(request.type_url)
            if kind is not None:
                self._take(stream, kind, request)
            self._moved.set()

    def _take(self, stream: _Stream, kind: Kind, request: discovery_pb2.DeltaDiscoveryRequest) -> None:
        if request.response_nonce:
            self._answered(stream, request)
        first = not stream.subscribed[kind] and kind not in stream.wildcard
        names = [name for name in request.resource_names_subscribe if name != "*"]
        if "*" in request.resource_names_subscribe or (first and kind in WILDCARD and not names):
            stream.wildcard.add(kind)
            self._catch_up(stream, kind, request.initial_resource_versions)
        for name in request.resource_names_unsubscribe:
            stream.subscribed[kind].discard(name)
            stream.acknowledged[kind].pop(name, None)
        if names:
            stream.subscribed[kind].update(names)
            # Always, also what an Envoy that comes back knows: a new user of it there may be waiting.
            self._send(stream, kind, names, ())

    def _catch_up(self, stream: _Stream, kind: Kind, known: Mapping[str, str]) -> None:
        """Sends what an Envoy does not have that comes (back) with these versions. Always answers, since an
        Envoy that starts waits for its first answer, even an empty one."""
        held = {name: resource.version for name, resource in self._resources[kind].items()}
        had = {name: version for name, version in known.items() if held.get(name) == version}
        stream.acknowledged[kind].update(had)
        self._send(stream, kind, [name for name in held if name not in had], known.keys() - held.keys())

    def _answered(self, stream: _Stream, request: discovery_pb2.DeltaDiscoveryRequest) -> None:
        sent = stream.waiting.pop(request.response_nonce, None)
        if sent is None:
            return
        for name in sent.removed:
            stream.acknowledged[sent.kind].pop(name, None)
        if not request.HasField("error_detail"):
            stream.acknowledged[sent.kind].update(sent.versions)
            for name, version in sent.versions.items():
                if self._refused.get((sent.kind, name), ("",))[0] == version:
                    del self._refused[sent.kind, name]
        elif len(sent.versions) > 1:
            # Which of them was it? Each is sent again alone.
            for name in sent.versions:
                self._send(stream, sent.kind, [name], ())
        else:
            for name, version in sent.versions.items():
                self._refused[sent.kind, name] = (version, request.error_detail.message)
