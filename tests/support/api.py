"""A real API server on a free port of loopback, with TLS, over a store in memory."""

import asyncio
import json
import os
import shutil
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mesh.api.server import ApiServer
from mesh.client.api import Client
from mesh.pods.logs.log_reader import LogOptions
from mesh.resources.values.ref import Ref
from mesh.store import Store

Body = dict[str, Any]


@dataclass
class Rejection:
    resource: str
    origins: tuple[Ref, ...]
    reason: str


@dataclass
class Acknowledgement:
    version: int
    milliseconds: float
    rejected: Sequence[Rejection] = ()


@dataclass
class StandInPlane:
    """Answers for Envoy: at once, with `rejected`, or not at all."""

    rejected: list[Rejection] = field(default_factory=list)
    silent: bool = False

    async def acknowledged(self, version: int, timeout: float) -> Acknowledgement:  # noqa: ASYNC109
        if self.silent:
            async with asyncio.timeout(min(timeout, 0.01)):
                await asyncio.Event().wait()
        return Acknowledgement(version, 1.5, self.rejected)


class StandInLogs:
    """Writes lines for the container `main`; when followed, goes on until it is let go."""

    def __init__(self) -> None:
        self.asked: Body = {}
        self.more: asyncio.Queue[bytes] = asyncio.Queue()
        self.left = asyncio.Event()

    async def read(self, namespace: str, pod: str, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        self.asked = asdict(options)
        if options.previous:
            raise LookupError(f'previous terminated container "{container}" in pod "{pod}" not found')
        yield f"{namespace}/{pod}/{container}\n".encode()
        try:
            while options.follow:
                yield await self.more.get()
        finally:
            self.left.set()


class StandInAllocator:
    def service_ip(self, taken: Collection[str]) -> str:
        return next(ip for n in range(1, 250) if (ip := f"127.99.200.{n}") not in taken)

    def __contains__(self, address: str) -> bool:
        return address.startswith(("127.", "10.96."))


@dataclass
class Answer:
    code: int
    body: Any
    headers: Any


class Api:
    """A running server, and how to ask it with nothing but urllib."""

    def __init__(self, server: ApiServer, url: str, home: Path, store: Store) -> None:
        self.server = server
        self.url = url
        self.home = home
        self.store = store
        self.plane = StandInPlane()
        self.logs = StandInLogs()
        self._clients: list[Client] = []
        self.token = (home / "token").read_text()
        self.tls = ssl.create_default_context(cafile=str(home / "pki" / "ca.crt"))

    def client(self) -> Client:
        client = Client(self.home)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()

    async def run(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Runs a blocking call of a client beside the server's loop."""
        return await asyncio.to_thread(call, *arguments, **named)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type, **(headers or {})}
        given = {name: value for name, value in given.items() if value}
        request = urllib.request.Request(self.url + path, raw, given, method=method)
        return await asyncio.to_thread(self._ask, request)

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=20) as response:
                return Answer(response.status, _read(response), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _read(error), error.headers)


def _read(response: Any) -> Any:
    raw = response.read()
    kind = response.headers.get("content-type", "")
    return json.loads(raw) if kind == "application/json" else raw


# The wheel of the development requirements has it; a kubectl of the machine serves as well.
KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}")


class Kubectl:
    """Runs kubectl with the kubeconfig that the server has written."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.environment = {
            "KUBECONFIG": str(api.home / "kubeconfig"),
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
        }
        self._folder = folder

    async def __call__(self, *arguments: str, fails: bool | None = False) -> str:
        process = await self.start(*arguments, stderr=asyncio.subprocess.STDOUT)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert fails is None or (process.returncode != 0) is fails, out.decode()
        return out.decode()

    async def answer(self, *arguments: str, given: bytes = b"") -> tuple[int, bytes, bytes]:
        """Exit code, stdout and stderr; `given` is standard input."""
        process = await self.start(*arguments, stdin=asyncio.subprocess.PIPE)
        out, err = await asyncio.wait_for(process.communicate(given), 60)
        return process.returncode or 0, out, err

    async def start(
        self, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL, stderr: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        assert KUBECTL is not None
        return await asyncio.create_subprocess_exec(
            KUBECTL, *arguments, env=self.environment, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=stderr
        )

    def file(self, *objects: dict[str, object]) -> str:
        path = self._folder / "objects.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        return str(path)


async def run_python(api: Api, program: str, *arguments: str) -> str:
    """Runs a program with the server's kubeconfig, as a process of its own: clients leave sockets open. Its stdout."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments,
        env={**os.environ, "KUBECONFIG": str(api.home / "kubeconfig")}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()
