"""A real Envoy, programmed from a store, with tiny servers behind it."""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mesh.control.programmer import Acknowledged, Programmer
from mesh.envoy.data_plane import DataPlane, DataPlaneSettings
from mesh.routing.world import MeshSettings
from mesh.store import Delete, Put, Store
from tests.mesh.objects import Body, pod, ref_of

PORT = 7000
LONG_NAME = "a-home-whose-path-is-longer-than-a-unix-socket-may-be-" + "x" * 60


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: str


async def ask(address: str, port: int, host: str, path: str = "/", **headers: str) -> Reply:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection(address, port)
    lines = [f"GET {path} HTTP/1.1", f"host: {host}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode())
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
    return Reply(int(first.split()[1]), fields, body.decode())


@dataclass
class Plane:
    """`backend` starts a pod that answers with its name and what it was sent."""

    store: Store
    data: DataPlane
    programmer: Programmer
    block: str
    address: str
    told: list[str]
    servers: dict[str, asyncio.Server] = field(default_factory=dict)

    async def apply(self, *bodies: Body) -> Acknowledged:
        self.store.commit([Put(ref_of(each), each) for each in bodies])
        return await self.programmer.acknowledged(self.store.version, 20)

    async def delete(self, *bodies: Body) -> Acknowledged:
        self.store.commit([Delete(ref_of(each)) for each in bodies])
        return await self.programmer.acknowledged(self.store.version, 20)

    async def backend(self, name: str, **labels: str) -> Body:
        ip = f"{self.block}.{len(self.servers) + 1}"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                head = ""
                while "connection: close" not in head:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode()
                    body = f"{name}\n{head}".encode()
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            writer.close()

        self.servers[name] = await asyncio.start_server(serve, ip, PORT)
        made = pod(name, ip)
        made["metadata"]["labels"] = labels
        return made

    async def call(self, caller: Body, host: str, path: str = "/", **headers: str) -> Reply:
        """A call from a pod, through its own listener."""
        return await ask(caller["status"]["podIP"], 15001, host, path, **headers)

    async def enter(self, host: str = "any", path: str = "/", **headers: str) -> Reply:
        """A request from outside, at the gateway."""
        return await ask(self.address, 8080, host, path, **headers)


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    with tempfile.TemporaryDirectory(prefix=LONG_NAME) as name:
        block = f"127.{random.randint(241, 254)}.{random.randint(0, 255)}"
        store = Store.open(None)
        data = DataPlane(Path(name), DataPlaneSettings(concurrency=1))
        await data.start()
        address = f"{block}.254"
        told: list[str] = []
        settings = MeshSettings(gateway_address=address, node_address=address)
        programmer = Programmer(store, data, settings, lambda stored, reason: told.append(f"{stored.ref}: {reason}"))
        await programmer.start()
        plane = Plane(store, data, programmer, block, address, told)
        try:
            yield plane
        finally:
            await programmer.stop()
            await data.stop()
            store.close()
            for server in plane.servers.values():
                server.close()
