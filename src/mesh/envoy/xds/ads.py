"""The ADS server: incremental xDS over one gRPC stream on a Unix socket.

One Envoy connects, over one stream for all kinds of resources (Aggregated Discovery Service), so that the order of
changes is ours to choose (`ordering`). `stream` speaks the protocol; here is the server, and the way from step to step.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import grpc
from envoy.service.discovery.v3 import ads_pb2_grpc

from mesh.envoy.xds.ordering import Plan, Step
from mesh.envoy.xds.refusals import Refusals
from mesh.envoy.xds.resources import Kind, Resource, Resources, extensions_of
from mesh.envoy.xds.settling import is_refused, is_settled
from mesh.envoy.xds.stream import Request, Response, Stream

EMPTY: Resources = {kind: {} for kind in Kind}
OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 256 << 20),
)

# Adds a gRPC service to a server: what else Envoy talks to over the same socket.
Service = Callable[[grpc.aio.Server], None]


class AdsServer(ads_pb2_grpc.AggregatedDiscoveryServiceServicer):  # type: ignore[misc]  # no stubs
    """Brings the Envoy that is connected to new resources, step by step (`carry_out`).

    `services` are served on the same socket.
    """

    def __init__(self, services: Sequence[Service] = ()) -> None:
        self._services = services
        # What Envoy should have by now: shared with the stream, hence changed in place only.
        self._resources: dict[Kind, dict[str, Resource]] = {kind: {} for kind in Kind}
        self._refusals = Refusals()
        self._stream: Stream | None = None
        self._received = asyncio.Event()
        # Whether those that connect are answered.
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._server: grpc.aio.Server | None = None

    async def start(self, socket: Path) -> None:
        """Listens at a Unix socket. Its path may be of any length: the folder is named by a descriptor."""
        self._server = grpc.aio.server(options=OPTIONS)
        ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(self, self._server)
        for add in self._services:
            add(self._server)
        folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._server.add_insecure_port(f"unix:/proc/self/fd/{folder}/{socket.name}")
            await self._server.start()
        finally:
            os.close(folder)

    def hold(self) -> None:
        """Answers nobody before the first `carry_out`: an Envoy that has a configuration keeps it until then.

        Of what Envoy says that it has, whatever is not known here would be removed.
        """
        self._is_open.clear()

    async def stop(self) -> None:
        """Idempotent."""
        if self._server is not None:
            await self._server.stop(0)

    @property
    def connected(self) -> bool:
        return self._stream is not None

    @property
    def refused(self) -> Mapping[tuple[Kind, str], str]:
        """What Envoy refuses now, each with its reason."""
        return self._refusals.reasons()

    async def carry_out(
        self,
        plan: Plan,
        new: Resources,
        *,
        stop_at_refusal: bool,
        before_turning: Callable[[], None] = lambda: None,
        after_turning: Callable[[], None] = lambda: None,
    ) -> None:
        """Sends Envoy each step and waits until it has taken or refused all of it; then `present` is `new`.

        With `stop_at_refusal`, it ends after a step of which Envoy refused a cluster, a route table or a filter: what
        follows may remove what the last good one still names. While Envoy is away it waits: whoever connects is sent
        everything. The two functions are called between the parts of the plan; what they raise ends it.
        """
        if not self._is_open.is_set():
            # All of it at once: an adopted Envoy has most of it, and is sent the rest when it connects.
            self._resources.update({kind: dict(new[kind]) for kind in Kind})
            self._is_open.set()
        parts = ((plan.add, before_turning), (plan.turn, after_turning), (plan.drop, lambda: None))
        for steps, then in parts:
            for step in steps:
                self._adopt(step, new)
                if self._stream is not None:
                    self._send(self._stream, step)
                await self._until_settled(step)
                if stop_at_refusal and is_refused(step, self._resources, self._refusals):
                    self._refusals.keep_current(self._resources)
                    return
            then()
        if self._stream is not None:
            self._stream.drop_stale()
        # Values that changed without changing their message are in no step.
        self._resources.update({kind: dict(new[kind]) for kind in Kind})
        self._refusals.keep_current(self._resources)

    @property
    def present(self) -> Resources:
        """What Envoy should have by now."""
        return {kind: dict(group) for kind, group in self._resources.items()}

    async def offer_listeners_again(self) -> None:
        """Sends the refused listeners once more. Envoy does not retry a listener whose port was taken by itself."""
        stream = self._stream
        names = frozenset(self._refusals.names(Kind.LISTENER))
        if stream is None or not names:
            return
        for name in names:
            self._refusals.withdraw(Kind.LISTENER, name)
            # One response each: a listener that is refused again must not take the others with it.
            stream.send(Kind.LISTENER, [name])
        listeners = (self._resources[Kind.LISTENER][name] for name in names)
        extensions = frozenset(extension for listener in listeners for extension in extensions_of(listener.value))
        await self._until_settled(Step(send={Kind.LISTENER: names}, awaited={Kind.EXTENSION: extensions}))

    def _adopt(self, step: Step, new: Resources) -> None:
        """Makes the step's resources what Envoy should have, so that one that connects meanwhile is sent them."""
        for group in (step.send, step.awaited):
            for kind, names in group.items():
                for name in names:
                    self._resources[kind][name] = new[kind][name]
        for kind, names in step.remove.items():
            for name in names:
                self._resources[kind].pop(name, None)

    @staticmethod
    def _send(stream: Stream, step: Step) -> None:
        for kind in Kind:
            names = [name for name in step.send.get(kind, ()) if stream.wants(kind, name)]
            removed = [name for name in step.remove.get(kind, ()) if stream.wants(kind, name)]
            if names or removed:
                stream.send(kind, names, removed)

    async def _until_settled(self, step: Step) -> None:
        while self._stream is None or not is_settled(step, self._stream, self._resources, self._refusals):
            self._received.clear()
            await self._received.wait()

    async def DeltaAggregatedResources(  # noqa: N802 - the service's name
        self, requests: AsyncIterator[Request], _: grpc.aio.ServicerContext
    ) -> AsyncIterator[Response]:
        """One stream: reads Envoy's subscriptions and answers, writes what it should have."""
        await self._is_open.wait()
        stream = self._stream = Stream(self._resources, self._refusals)
        self._refusals.clear()
        reader = asyncio.ensure_future(self._read(stream, requests))
        try:
            while True:
                response = asyncio.ensure_future(stream.outgoing.get())
                await asyncio.wait((response, reader), return_when=asyncio.FIRST_COMPLETED)
                if not response.done():
                    # Envoy has closed its side, or reading failed: returning closes ours, and Envoy reconnects.
                    response.cancel()
                    return
                yield response.result()
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reader
            # An Envoy that was restarted may be connected already when the stream of its predecessor ends.
            if self._stream is stream:
                self._stream = None

    async def _read(self, stream: Stream, requests: AsyncIterator[Request]) -> None:
        async for request in requests:
            stream.receive(request)
            self._received.set()
