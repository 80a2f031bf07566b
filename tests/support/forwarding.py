"""A chain of programs that forward some headers of the requests that they handle, behind a real Envoy."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from mesh.routing.compile import compile  # noqa: A004
from mesh.routing.model.table import Marks
from mesh.routing.world import MeshSettings, World
from tests.support.data_plane import PatientPlane, Place
from tests.support.objects import Body, body, branch, pod, rule, service, to
from tests.support.server import Server
from tests.support.worlds import typed

DEADLINE = 10.0
SECRET = b"of the tests"
SERVICES = ("front", "second", "third", "fourth")
BRANCHES = ("ann", "bob")
Lines = Sequence[tuple[str, bytes]]
# What a program forwards, by the name of what it was instrumented with.
FORWARDED: Mapping[str, tuple[str, ...]] = {
    "x-request-id": ("x-request-id",),
    "traceparent": ("traceparent",),
    "tracestate": ("tracestate",),
    "b3": ("b3",),
    "x-b3": ("x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"),
    "x-b3-traceid": ("x-b3-traceid",),
    "cookie": ("cookie",),
    "baggage": ("baggage",),
    "x-branch": ("x-branch",),
}
EVERYTHING = ("*",)
NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A request as one program got it; header values as Latin-1, lines of one name in their order."""

    workload: str
    lines: tuple[tuple[str, str], ...]

    def value(self, name: str) -> str:
        return ", ".join(value for key, value in self.lines if key == name)


@dataclass
class Chain:
    """Each program calls the next one, once, and answers with who has seen the request. `forwards` are the headers
    that a service's programs forward; `mend` is what they do to a value before."""

    place: Place
    plane: PatientPlane
    settings: MeshSettings = field(init=False)
    forwards: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lower: bool = False
    seen: list[Seen] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)
    _addresses: dict[str, str] = field(default_factory=dict)
    _version: int = 0

    async def start(self, stack: AsyncExitStack) -> None:
        address = self.place.address()
        port = self.place.free_port(address)
        self.settings = MeshSettings(
            gateway_address=address, node_address=address, ports={80: port}, branch_secret=SECRET
        )
        for workload in (f"{name}-{whose}" for name in SERVICES for whose in ("v1", *BRANCHES)):
            own = self._addresses[workload] = self.place.address()

            async def serve(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, workload: str = workload
            ) -> None:
                await self._serve(workload, reader, writer)

            server = await Server.start(serve, own, 7000)
            stack.push_async_callback(server.stop)

    async def apply(self, forks: Iterable[str] = ("fourth",), branches: Iterable[str] = BRANCHES) -> None:
        """Brings Envoy to branches that fork these services."""
        objects: list[Body] = [service(name, app=name, branch="baseline") for name in SERVICES]
        door = {"number": 80, "name": "http", "protocol": "HTTP"}
        objects.append(body("Gateway", "door", servers=[{"port": door, "hosts": ["*"]}]))
        objects.append(rule("door", "*", to("front"), gateways=["door"]))
        for workload, address in self._addresses.items():
            name, _, whose = workload.partition("-")
            labels = {"app": name, "branch": "baseline"}
            if whose != "v1":
                labels |= {"meshmall.dev/branch": whose, "meshmall.dev/service": name}
            objects.append(pod(workload, address, ready=True, **labels))
        for name in branches:
            enter = [{"cookie": {"name": "user", "value": name}}, {"header": {"name": "x-dev", "value": name}}]
            objects.append(branch(name, enter=enter, services={fork: {"fork": {}} for fork in forks}))
        self._version += 1
        snapshot = compile(World.build(self._version, [typed(raw) for raw in objects]), self.settings)
        self.marks = next(iter(snapshot.tables.values())).marks
        assert not await self.plane.apply(snapshot)

    def tag(self, name: str) -> str:
        return dict(self.marks.tags)[name]

    async def ask(self, *lines: tuple[str, str | bytes], host: str = "shop") -> list[str]:
        """A request to the gateway: the workloads that it has reached, in the order of the hops."""
        self.seen.clear()
        raw = [(name, value.encode("latin-1") if isinstance(value, str) else value) for name, value in lines]
        status, answer = await _ask(self.settings.gateway_address, self.settings.ports[80], "/", host, raw)
        return json.loads(answer) if status == 200 else [str(status)]

    async def call(self, workload: str, *lines: tuple[str, str]) -> list[str]:
        """A program's own call of the last service: the workload that answers."""
        self.seen.clear()
        raw = [(name, value.encode("latin-1")) for name, value in lines]
        _, answer = await _ask(self._addresses[workload], 15001, "http://fourth:7000/", "fourth:7000", raw)
        reached: list[str] = json.loads(answer)
        return reached

    async def _serve(self, workload: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        pairs = [line.split(b":", 1) for line in head.rstrip(b"\r\n").split(b"\r\n")[1:]]
        lines = tuple((name.decode().lower(), value.strip(b" \t").decode("latin-1")) for name, value in pairs)
        self.seen.append(Seen(workload, lines))
        name = workload.partition("-")[0]
        after = SERVICES[SERVICES.index(name) + 1 :]
        reached = [workload]
        if after:
            passed = self.forwards.get(name, NOTHING)
            kept = [pair for pair in lines if pair[0] in passed or (passed == EVERYTHING and pair[0] not in HOP)]
            raw = [(key, (value.lower() if self.lower else value).encode("latin-1")) for key, value in kept]
            host = f"{after[0]}:7000"
            _, answer = await _ask(self._addresses[workload], 15001, f"http://{host}/", host, raw)
            reached += json.loads(answer)
        text = json.dumps(reached).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text))
        await writer.drain()


# What belongs to one hop alone.
HOP = ("host", "connection", "content-length", "transfer-encoding", "x-forwarded-proto", "x-forwarded-for")


async def _ask(address: str, port: int, target: str, host: str, lines: Lines) -> tuple[int, Any]:
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(address, port, limit=1 << 20)
        try:
            head = f"GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n".encode()
            writer.write(head + b"".join(b"%b: %b\r\n" % (key.encode(), value) for key, value in lines) + b"\r\n")
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            length = next((int(line.split(b":")[1]) for line in rest if line.lower().startswith(b"content-length")), 0)
            return int(first.split(b" ")[1]), await reader.readexactly(length)
        finally:
            writer.close()
