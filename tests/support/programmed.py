"""A real Envoy, programmed from a store, with tiny servers behind it."""

import asyncio
from dataclasses import dataclass, field

from mesh.control.outcome import Acknowledged
from mesh.control.programmer import Programmer
from mesh.envoy.data_plane import DataPlane
from mesh.store import Delete, Put, Store
from tests.support.http import Answer, ask
from tests.support.objects import Body, pod, ref_of
from tests.support.server import Server

PORT = 7000
LONG_NAME = "a-home-whose-path-is-longer-than-a-unix-socket-may-be-" + "x" * 60


@dataclass
class Plane:
    """`backend` starts a pod that answers with its name and what it was sent."""

    store: Store
    data: DataPlane
    programmer: Programmer
    block: str
    address: str
    told: list[str]
    servers: dict[str, Server] = field(default_factory=dict)

    async def apply(self, *bodies: Body) -> Acknowledged:
        self.store.commit([Put(ref_of(body), body) for body in bodies])
        return await self.programmer.acknowledged(self.store.version, 20)

    async def delete(self, *bodies: Body) -> Acknowledged:
        self.store.commit([Delete(ref_of(body)) for body in bodies])
        return await self.programmer.acknowledged(self.store.version, 20)

    async def backend(self, name: str, **labels: str) -> Body:
        ip = f"{self.block}.{len(self.servers) + 1}"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = ""
            while "connection: close" not in head:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                body = f"{name}\n{head}".encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

        self.servers[name] = await Server.start(serve, ip, PORT)
        made = pod(name, ip)
        made["metadata"]["labels"] = labels
        return made

    async def call(self, caller: Body, host: str, path: str = "/", **headers: str) -> Answer:
        """A call from a pod, through its own listener."""
        return await ask(caller["status"]["podIP"], 15001, path, host=host, **headers)

    async def enter(self, host: str = "any", path: str = "/", **headers: str) -> Answer:
        """A request from outside, at the gateway."""
        return await ask(self.address, 8080, path, host=host, **headers)
