"""A real Envoy with the compiled rules, pods that say what they were sent, and a client that tells the answer."""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mesh.envoy.data_plane import DataPlane, DataPlaneSettings
from mesh.pods.host.addresses import Block
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import BRANCH_LABEL
from mesh.resources.validation.manifest import validate
from mesh.resources.values.meta import Resource
from mesh.routing.compile import compile  # noqa: A004 - what it does
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.world import MeshSettings, World
from tests.conformance.reference import Request
from tests.support.http import read_message
from tests.support.server import Server

Json = dict[str, Any]
DEADLINE = 30.0
ANSWER_HEADERS = {"server": "pod", "x-answer": "plain"}
CASE = "x-case"
MARKER = "marker.example.com"
PODS = (
    ("shop-v1", "mesh", {"app": "shop", "version": "v1"}),
    ("shop-v2", "mesh", {"app": "shop", "version": "v2"}),
    ("cart", "mesh", {"app": "cart"}),
    ("copy", "mesh", {"app": "copy"}),
    ("copy2", "mesh", {"app": "copy2"}),
    ("caller", "mesh", {"app": "caller"}),
    ("stranger", "other", {"app": "stranger"}),
    ("dev", "mesh", {"app": "dev", BRANCH_LABEL: "bob"}),
)


@dataclass(frozen=True)
class Observed:
    """What really happened. `pod` is "" when no pod answered."""

    status: int
    headers: Mapping[str, str]
    body: str
    pod: str = ""
    target: str = ""
    sent: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], body: str) -> "Observed":
        """An answer: a pod's says what the pod was sent."""
        if not headers.get("x-pod-body"):
            return cls(status, headers, body)
        report = json.loads(body)
        return cls(status, headers, body, report["pod"], report["target"], report["headers"])


def _free() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(repr=False)
class Rig:
    """While `hold` is clear, pods do not answer. `pods_seen` has, for each case, the pods that it or a copy of it
    reached."""

    home: Path
    network: str = ""
    plane: DataPlane = field(init=False)
    settings: MeshSettings = field(init=False)
    addresses: dict[str, str] = field(default_factory=dict)
    pods_seen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    hold: asyncio.Event = field(default_factory=_free)
    connections: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    snapshot: Snapshot = field(default_factory=lambda: Snapshot(0))
    _servers: list[Server] = field(default_factory=list)
    _block: Block = field(init=False)
    _open: dict[tuple[str, int], tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=dict)
    _cases: int = 0
    _version: int = 0

    async def start(self) -> None:
        # As a mesh takes its own, so that neither comes in the other's way.
        self._block = Block.claim(self.home)
        self.network = f"127.{self._block.number}"
        for number, (name, _, _) in enumerate(PODS, 1):
            self.addresses[name] = f"{self.network}.0.{number}"
        gateway = f"{self.network}.1.1"
        ports = {80: 8080, 443: 8443}
        self.settings = MeshSettings(
            gateway_address=gateway,
            node_address=gateway,
            ports=ports,
            gateway_subnet=self._block.gateway_subnet,
            own_ports=ports,
        )
        for name, address in self.addresses.items():
            self._servers.append(await Server.start(_Pod(self, name).serve, address, 7000))
        self.plane = DataPlane(self.home, DataPlaneSettings(concurrency=1))
        await self.plane.start()

    async def stop(self) -> None:
        await self.hang_up()
        await self.plane.stop()
        for server in self._servers:
            await server.stop()
        self._block.release_all()

    async def hang_up(self) -> None:
        """Closes the callers' connections."""
        writers = [writer for _, writer in self._open.values()]
        self._open.clear()
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

    def around(self) -> list[Json]:
        """Everything but the drawn rules, as a user would have written it, and its pods."""
        services = [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": "mesh"},
                "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 7000}]},
            }
            for name in ("shop", "cart", "copy", "copy2")
        ]
        subsets = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]
        gateway = {
            "selector": {"istio": "ingressgateway"},
            "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
        }
        pods = [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "labels": labels},
                "spec": {"containers": [{"name": "c", "image": "c"}]},
                "status": {
                    "phase": "Running",
                    "podIP": self.addresses[name],
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            }
            for name, namespace, labels in PODS
        ]
        return [
            *services,
            istio("DestinationRule", "shop", {"host": "shop", "subsets": subsets}),
            istio("Gateway", "door", gateway),
            *pods,
        ]

    async def apply(self, objects: Sequence[Json]) -> None:
        """Brings Envoy to these objects; each is a second younger than the one before it."""
        self.compile(objects)
        async with asyncio.timeout(DEADLINE):
            refused = await self.plane.apply(self.snapshot)
        assert not refused, refused
        for caller in ("caller", "stranger", "gateway"):
            await self._in_force(caller)

    def compile(self, objects: Sequence[Json]) -> None:
        """What Envoy should have for these objects; Envoy itself is not asked."""
        self._version += 1
        marked = [*objects, self._marker()]
        world = World.build(self._version, [typed(body, age) for age, body in enumerate(marked)])
        self.snapshot = compile(world, self.settings)

    def _marker(self) -> Json:
        """A rule that answers with the version, so that it can be seen when a worker has taken over the tables."""
        answer = {"directResponse": {"status": 200, "body": {"string": str(self._version)}}}
        spec = {"hosts": [MARKER], "gateways": ["mesh", "door"], "http": [answer]}
        return istio("VirtualService", "marker", spec)

    async def _in_force(self, caller: str) -> None:
        """Envoy's main thread acknowledges; its worker takes a new table a moment later, longer on a busy machine."""
        place = "mesh/door" if caller == "gateway" else "mesh"
        request = Request(place, MARKER, 80, "GET", "/", "", (), authority=MARKER)
        async with asyncio.timeout(DEADLINE):
            while (await self.ask(request, caller))[1].body != str(self._version):  # noqa: ASYNC110 - Envoy is asked
                await asyncio.sleep(0.001)

    async def ask(self, request: Request, caller: str) -> tuple[str, Observed]:
        """Makes the request at its place. Returns the case's number and what came back."""
        self._cases += 1
        case = str(self._cases)
        at_gateway = request.place != "mesh"
        target = request.target if at_gateway else f"http://{request.authority}{request.target}"
        lines = [f"{request.method} {target} HTTP/1.1", f"host: {request.authority}", f"{CASE}: {case}"]
        lines += [f"{name}: {value}" for name, value in request.headers]
        data = "\r\n".join([*lines, "", ""]).encode()
        where = self.gateway(request.place) if at_gateway else (self.addresses[caller], 15001)
        async with asyncio.timeout(DEADLINE):
            if where not in self._open:
                self._open[where] = await self._connected(where)
            reader, writer = self._open[where]
            writer.write(data)
            status, headers, body = await read_message(reader)
        if headers.get("connection") == "close":
            self._open.pop(where)[1].close()
        return case, Observed.read(int(status.split(" ")[1]), headers, body)

    def gateway(self, place: str, port: int = 80) -> tuple[str, int]:
        """Where a Gateway's port is called: the Gateway API's have addresses of their own."""
        names = (f"gateway|{place}|{port}", f"gateway|{port}")
        listener = next((self.snapshot.listeners[name] for name in names if name in self.snapshot.listeners), None)
        if listener is not None:
            return listener.address, listener.port
        return self.settings.gateway_address, self.settings.ports[port]

    async def _connected(self, where: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Envoy acknowledges a new listener a moment before its worker listens."""
        while True:
            try:
                return await asyncio.open_connection(*where)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)

    async def ask_alone(self, request: Request, caller: str) -> Observed:
        """The request on a connection of its own, beside others."""
        lines = [f"GET http://{request.authority}{request.target} HTTP/1.1", f"host: {request.authority}", "", ""]
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_connection(self.addresses[caller], 15001)
            try:
                writer.write("\r\n".join(lines).encode())
                status, headers, body = await read_message(reader)
            finally:
                writer.close()
        return Observed(int(status.split(" ")[1]), headers, body)

    async def reached(self, case: str, count: int) -> list[str]:
        """The pods that a case reached, once there are so many."""
        async with asyncio.timeout(DEADLINE):
            while len(self.pods_seen[case]) < count:  # noqa: ASYNC110 - a plain list is watched
                await asyncio.sleep(0.001)
        return self.pods_seen[case]


class _Pod:
    """Answers everything with what it was sent."""

    def __init__(self, rig: Rig, name: str) -> None:
        self._rig = rig
        self._name = name

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._rig.connections[self._name] += 1
        while True:
            line, headers, _ = await read_message(reader)
            if len(line.split(" ")) != 3:
                # HTTP/2, which begins like a request: this pod does not speak it.
                return
            self._rig.pods_seen[headers.get(CASE, "")].append(self._name)
            await self._rig.hold.wait()
            body = json.dumps({"pod": self._name, "target": line.split(" ")[1], "headers": headers})
            lines = [f"{name}: {value}" for name, value in ANSWER_HEADERS.items()]
            head = ["HTTP/1.1 200 OK", f"content-length: {len(body)}", "x-pod-body: yes", *lines]
            writer.write("\r\n".join([*head, "", body]).encode())
            await writer.drain()


def istio(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": spec,
    }


def typed(body: Json, age: int) -> Resource:
    definition = REGISTRY.by_kind(body["apiVersion"].rpartition("/")[0], body["kind"])
    assert definition is not None
    valid = body if body["kind"] == "Pod" else validate(body).body
    stamp = {"creationTimestamp": f"2026-01-01T00:00:{age:02d}Z"}
    return msgspec.convert({**valid, "metadata": {**valid["metadata"], **stamp}}, definition.type)


async def secure_get(
    rig: Rig, host: str, trusted: str, port: int = 8443, context: ssl.SSLContext | None = None, place: str = ""
) -> tuple[str, dict[str, str], str]:
    """A GET over TLS that trusts one certificate alone and asks for a host by its name."""
    context = context or ssl.create_default_context(cadata=trusted)
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(
            rig.gateway(place, 443)[0], port, ssl=context, server_hostname=host
        )
        writer.write(f"GET / HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode())
        try:
            return await read_message(reader)
        finally:
            writer.close()
