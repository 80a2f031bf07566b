"""Systems under load: each is started, serves pages at an address, and is ended."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import meshmall, processes
from bench.reference.envoys import Address, configuration
from mesh.envoy.process.binary import find

# From the leaves to the mall: what a service calls, in stages (one after the other) of services (at once).
CALLS: dict[str, tuple[tuple[str, ...], ...]] = {
    "stock": (),
    "sales": (),
    "scores": (),
    "users": (),
    "products": (("sales", "stock"),),
    "discount": (("products",),),
    "recommend": (("products", "scores"),),
    "mall": (("users",), ("recommend",), ("discount",)),
    "mall-v2": (("users", "recommend", "discount"),),
}
# The size of a service's answer in a page, for programs that have no data.
BYTES = {"stock": 60, "sales": 55, "scores": 45, "users": 90, "products": 560, "discount": 600, "recommend": 650}
PAGE_BYTES = 1400
MALL_V2 = Path(__file__).parents[2] / "deploy" / "mall-v2.yaml"
LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class System:
    """Where pages are served, by version of the mall; `more` are header lines that a request for it needs. `pids` are
    the processes of each part."""

    addresses: Mapping[str, Address]
    more: Mapping[str, str]
    pids: Callable[[], Mapping[str, list[int]]]


@contextmanager
def mesh(python: str, address: str) -> Iterator[System]:
    """The mall on the mesh, by the command of this Python."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        meshmall(home, "up", "--address", address, python=python)
        try:
            meshmall(home, "apply", "-f", str(MALL_V2), "--wait", python=python)
            meshmall(home, "apply", "-f", "-", stdin=json.dumps(BY_HEADER), python=python)
            yield System(
                dict.fromkeys(("v1", "v2"), (address, 8080)),
                {"v1": "", "v2": "x-version: v2\r\n"},
                lambda: processes(home),
            )
        finally:
            meshmall(home, "down", python=python)


BY_HEADER = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "mall-canary", "namespace": "mesh"},
    "spec": {
        "http": [
            {
                "match": [{"headers": {"x-version": {"exact": "v2"}}}],
                "route": [{"destination": {"host": "mall", "subset": "v2"}}],
            },
            {"route": [{"destination": {"host": "mall", "subset": "v1"}}]},
        ]
    },
}


@contextmanager
def direct(python: str = sys.executable) -> Iterator[System]:
    """The mall without anything between its services."""
    with _Programs() as programs:
        at: dict[str, Address] = {}
        for name in CALLS:
            urls = {f"{called.upper()}_URL": f"http://{host}:{port}" for called, (host, port) in at.items()}
            at[name] = programs.service(name, python, urls)
        yield programs.system(_entries(at))


@contextmanager
def one_envoy() -> Iterator[System]:
    """The mall behind one Envoy that only passes requests on."""
    with _Programs() as programs:
        proxy, *gateways = _free_ports(3)
        at = {name: programs.service(name, sys.executable, {"HTTP_PROXY": _url(proxy)}) for name in CALLS}
        programs.envoy("envoy", {proxy: at, gateways[0]: {"*": at["mall"]}, gateways[1]: {"*": at["mall-v2"]}})
        yield programs.system({"v1": ("127.0.0.1", gateways[0]), "v2": ("127.0.0.1", gateways[1])})


@contextmanager
def sidecars() -> Iterator[System]:
    """The mall with an Envoy per service, which every call leaves by and every request comes in by, and a gateway.

    The best case for sidecars: one worker thread each, no mTLS, no telemetry, no rules.
    """
    with _Programs() as programs:
        *ports, gateway_v1, gateway_v2 = _free_ports(2 * len(CALLS) + 2)
        outbound = dict(zip(CALLS, ports[: len(CALLS)], strict=True))
        inbound = {name: ("127.0.0.1", port) for name, port in zip(CALLS, ports[len(CALLS) :], strict=True)}
        for name in CALLS:
            program = programs.service(name, sys.executable, {"HTTP_PROXY": _url(outbound[name])})
            programs.envoy("sidecars", {outbound[name]: inbound, inbound[name][1]: {"*": program}})
        programs.envoy("gateway", {gateway_v1: {"*": inbound["mall"]}, gateway_v2: {"*": inbound["mall-v2"]}})
        yield programs.system({"v1": ("127.0.0.1", gateway_v1), "v2": ("127.0.0.1", gateway_v2)})


@contextmanager
def floor(*, envoy: bool) -> Iterator[System]:
    """The tree of the smallest possible programs, without anything in between or behind one bare Envoy."""
    with _Programs() as programs, tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "floor"
        source = Path(__file__).with_name("floor.c")
        subprocess.run(["cc", "-O2", "-pthread", "-D_GNU_SOURCE", "-o", program, source], check=True)
        proxy, *gateways = _free_ports(3)
        at: dict[str, Address] = {}
        for name, stages in CALLS.items():
            to = {called: ("127.0.0.1", proxy) if envoy else at[called] for stage in stages for called in stage}
            text = ";".join(",".join(f"{one}={to[one][0]}:{to[one][1]}" for one in stage) for stage in stages)
            port = int(programs.start([program, str(BYTES.get(name, PAGE_BYTES)), text], {}, "services"))
            at[name] = ("127.0.0.1", port)
        if envoy:
            programs.envoy("envoy", {proxy: at, gateways[0]: {"*": at["mall"]}, gateways[1]: {"*": at["mall-v2"]}})
            yield programs.system({"v1": ("127.0.0.1", gateways[0]), "v2": ("127.0.0.1", gateways[1])})
        else:
            yield programs.system(_entries(at))


def has_compiler() -> bool:
    """Whether `floor` can be built."""
    return shutil.which("cc") is not None


class _Programs(ExitStack):
    """Processes that are ended with the block."""

    def __init__(self) -> None:
        super().__init__()
        self._pids: dict[str, list[int]] = {}
        self._folder = Path(self.enter_context(tempfile.TemporaryDirectory()))

    def start(self, argv: list[str | Path], environ: Mapping[str, str], part: str) -> str:
        """Starts a program and returns its first line."""
        # In a session of its own, as pods are: Linux schedules sessions, not processes, against each other.
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"], **environ}, start_new_session=True
        )
        self.callback(_end, process)
        self._pids.setdefault(part, []).append(process.pid)
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        # What it writes from now on is dropped when the pipe is full, as its log does.
        os.set_blocking(process.stdout.fileno(), False)
        return line

    def service(self, name: str, python: str, environ: Mapping[str, str]) -> Address:
        """One of the mall's services; `mall-v2` is the mall that calls its services at once."""
        service, _, version = name.partition("-")
        concurrency = {"CONCURRENCY": "true"} if version else {}
        line = self.start([python, "-m", f"mall.{service}", "--port", "0"], {**environ, **concurrency}, "services")
        host, _, port = json.loads(line)["address"].partition(":")
        return host, int(port)

    def envoy(self, part: str, listeners: Mapping[int, Mapping[str, Address]]) -> None:
        """An Envoy with one worker; returns when it listens."""
        path = self._folder / f"{len(self._pids.get(part, []))}-{part}.json"
        path.write_text(json.dumps(configuration(listeners)))
        argv: list[str | Path] = [find(), "--config-path", path, "--concurrency", "1", "--use-dynamic-base-id"]
        argv += ["--log-level", "critical"]
        process = subprocess.Popen(argv, start_new_session=True)
        self.callback(_end, process)
        self._pids.setdefault(part, []).append(process.pid)
        for port in listeners:
            _until_listening(port)

    def system(self, addresses: Mapping[str, Address]) -> System:
        return System(addresses, {"v1": "", "v2": ""}, lambda: self._pids)


def _entries(at: Mapping[str, Address]) -> dict[str, Address]:
    return {"v1": at["mall"], "v2": at["mall-v2"]}


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"Envoy does not listen on port {port} after {LIMIT:.0f} s")
