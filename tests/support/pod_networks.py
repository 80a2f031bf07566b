"""Pods with network namespaces of their own around a real Envoy, without any program in them.

A socket that was made inside a pod's network works from here: so tests serve and call as if they were the pods.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.daemon.pod_network import NAMESPACES, PodNetwork, choose
from mesh.envoy.data_plane import DataPlane, DataPlaneSettings, Refused, Reports
from mesh.envoy.edge import Edge
from mesh.pods.sandbox.client import Agent
from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.network import NamespaceNetwork
from mesh.routing.world import MeshSettings, World
from tests.support.http import DEADLINE, Answer, read_head
from tests.support.objects import Body, pod
from tests.support.worlds import typed

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PodPlace:
    """A pod: its object and where it is."""

    body: Body
    uid: str
    ip: str


@dataclass(slots=True)
class PodNetworks:
    """A mesh of pods. `settings` may be replaced before `apply`."""

    home: Path
    agent: Agent
    plane: DataPlane
    edge: Edge
    network: NamespaceNetwork
    settings: MeshSettings
    stack: AsyncExitStack
    pods: list[PodPlace] = field(default_factory=list)
    version: int = 0

    async def pod(self, name: str, namespace: str = "shop", account: str = "default", **labels: str) -> PodPlace:
        """Makes a pod's network."""
        uid, ip = f"uid-{name}", f"10.244.7.{len(self.pods) + 1}"
        await self.agent.create_pod_network(uid, name, ip)
        body = pod(name, ip, namespace, **{"app": name, **labels})  # type: ignore[arg-type]
        body["metadata"]["uid"] = uid
        body["spec"]["serviceAccountName"] = account
        place = PodPlace(body, uid, ip)
        self.pods.append(place)
        return place

    async def serve(self, place: PodPlace, port: int, handle: Handle) -> None:
        """Listens in a pod until the test ends."""
        sock = await self.agent.socket_in(place.uid)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", port))
        await self.stack.enter_async_context(await asyncio.start_server(handle, sock=sock))

    async def serve_http(self, place: PodPlace, port: int) -> None:
        """An HTTP/1.1 server that says who it is and what it was sent."""
        await self.serve(place, port, lambda reader, writer: _answer(place.body["metadata"]["name"], reader, writer))

    async def connect(
        self, place: PodPlace, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of a pod's, which is closed when the test ends."""
        reader, writer = await self.open_connection(place, address, port)
        self.stack.callback(writer.close)
        return reader, writer

    async def open_connection(
        self, place: PodPlace, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of a pod's, which the caller closes."""
        sock = await self.agent.socket_in(place.uid)
        try:
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except OSError:
            sock.close()
            raise
        return await asyncio.open_connection(sock=sock)

    async def ask(self, place: PodPlace, url: str, *, host: str = "", **headers: str) -> Answer:
        """One request of a pod's to "address:port/path"; `host` is the Host header, "address:port" without one."""
        where, _, path = url.partition("/")
        address, _, port = where.partition(":")
        return await ask_at(
            await self.open_connection(place, address, int(port or 80)), f"/{path}", host or where, **headers
        )

    async def apply(self, *objects: Body) -> Refused:
        """Brings Envoy to these objects and all pods."""
        self.version += 1
        bodies = (*objects, *(place.body for place in self.pods))
        world = World.build(self.version, [typed(body, age) for age, body in enumerate(bodies)])
        async with asyncio.timeout(DEADLINE):
            return await self.plane.apply(self.snapshot(world))

    def snapshot(self, world: World) -> Snapshot:
        return compile(world, self.settings)


async def ask_at(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str, host: str, **headers: str
) -> Answer:
    """One request on a connection. Header names may have `_` for `-`."""
    reader, writer = connection
    try:
        async with asyncio.timeout(DEADLINE):
            lines = [f"GET {path} HTTP/1.1", f"host: {host}", "connection: close"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            head = await read_head(reader)
            if head is None:
                raise ConnectionResetError("the connection was closed without an answer")
            first, fields = head
            body = await reader.read()
            return Answer(int(first.split(" ")[1]), fields, body.decode())
    finally:
        writer.close()


async def _answer(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while request := await read_head(reader):
            line, headers = request
            body = json.dumps({"who": name, "target": line.split(" ")[1], "headers": headers})
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def pod_networks(
    home: Path, reports: Reports | None = None, *, api: tuple[str, int] = ("127.0.0.1", 1)
) -> AsyncIterator[PodNetworks]:
    """Starts the sandbox agent, Envoy and the edge, and ends them."""
    async with AsyncExitStack() as stack:
        chosen: PodNetwork = await choose(NAMESPACES, home, api, stack)
        assert chosen.agent is not None
        assert isinstance(chosen.network, NamespaceNetwork)
        assert chosen.edge is not None
        settings: Any = DataPlaneSettings(concurrency=1, launch=chosen.launch)
        plane = DataPlane(home, settings, reports, edge=chosen.edge)
        await plane.start()
        stack.push_async_callback(plane.stop)
        mesh = MeshSettings(network=chosen.network)
        yield PodNetworks(home, chosen.agent, plane, chosen.edge, chosen.network, mesh, stack)
