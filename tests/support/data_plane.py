"""A real Envoy in a home of the test's own, small backends, and a client that tells the whole answer."""

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mesh.envoy.data_plane import DataPlane, Refused
from mesh.routing.model.cluster import Cluster, Endpoint
from mesh.routing.model.listener import Listener, Role
from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, Route, WeightedCluster
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import RouteTable, VirtualHost
from tests.support.http import read_head
from tests.support.server import Server

# Below Envoy's own 15 s, after which it goes on without what it waits for.
DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a backend was sent."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Backend:
    """A pod's program: says who it is and what it was sent. `status` and `hold` change how it answers."""

    name: str
    address: str
    port: int = 0
    status: int = 200
    hold: asyncio.Event | None = None
    seen: list[Request] = field(default_factory=list)
    server: Server | None = None

    async def start(self) -> None:
        self.server = await Server.start(self._serve, self.address, self.port)
        self.port = self.server.port

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.address, self.port, f"mesh/{self.name}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_head(reader):
            line, headers = request
            method, target, _ = line.split(" ", 2)
            self.seen.append(Request(method, target, headers))
            if self.hold is not None:
                await self.hold.wait()
            body = json.dumps({"who": self.name, "method": method, "target": target, "headers": dict(headers)})
            head = f"HTTP/1.1 {self.status} Any\r\ncontent-length: {len(body)}\r\nserver: {self.name}\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
            if headers.get("connection") == "close":
                break


@dataclass(slots=True)
class Place:
    """Addresses and ports that no other test uses."""

    network: str
    count: int = 0

    def address(self) -> str:
        self.count += 1
        return f"{self.network}.{self.count // 250}.{self.count % 250 + 1}"

    def free_port(self, address: str) -> int:
        with socket.socket() as probe:
            probe.bind((address, 0))
            port: int = probe.getsockname()[1]
            return port


class PatientPlane(DataPlane):
    """A data plane whose answers have a deadline: a test that waits for ever tells nothing."""

    async def apply(self, snapshot: Snapshot, *, stop_at_refusal: bool = True) -> Refused:
        async with asyncio.timeout(DEADLINE):
            return await super().apply(snapshot, stop_at_refusal=stop_at_refusal)


def to(*clusters: str, **options: Any) -> Forward:
    """Forwards to these clusters, the first of several with what is left of 100."""
    return Forward(tuple(WeightedCluster(name) for name in clusters), **options)


def row(action: Any, match: Match | None = None, **options: Any) -> Route:
    return Route("a row", match or Match(), action, **options)


def table(*rows: Route, name: str = "table", domains: tuple[str, ...] = ("*",)) -> RouteTable:
    return RouteTable(name, (VirtualHost("host", domains, rows),))


def snapshot(
    listeners: Mapping[str, Listener] | list[Listener],
    tables: list[RouteTable],
    pods: Mapping[str, list[Backend]],
    clusters: list[Cluster] | None = None,
    version: int = 1,
) -> Snapshot:
    """A snapshot with a cluster for every group of pods; `clusters` gives those that are not plain."""
    special = {cluster.name: cluster for cluster in clusters or []}
    each_listener = listeners.values() if isinstance(listeners, Mapping) else listeners
    return Snapshot(
        version,
        {item.name: item for item in each_listener},
        {item.name: item for item in tables},
        {name: special.get(name, Cluster(name)) for name in pods},
        {name: tuple(item.endpoint for item in group) for name, group in pods.items()},
    )


def listener(place: Place, role: Role = Role.GATEWAY, name: str = "door", **options: Any) -> Listener:
    """An HTTP listener at a free place, asking the table `table`."""
    address = place.address()
    options = {"table": "table", "address": address, "port": place.free_port(address), **options}
    if options.get("cluster"):
        options["table"] = None
    return Listener(name=name, role=role, **options)
