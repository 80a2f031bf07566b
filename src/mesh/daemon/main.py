"""The mesh's one long-running process: connects store, API, pods and Envoy, and shuts them down.

Started by `mesh.daemon.launch` as `python -m mesh.daemon.main HOME SETTINGS`. Everything runs in one event loop;
the components know each other only through the store and the few callables passed here.
"""

import asyncio
import faulthandler
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import uvloop

# gRPC's fork handlers wait for gRPC's threads whenever a process is started. No forked child uses gRPC here, so
# they are switched off, which must happen before gRPC is imported.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from mesh.api.mesh_v1.data import DataPaths
from mesh.api.server import ApiServer, ApiSettings, Sources, bind
from mesh.api.transport.credentials import Credentials, prepare
from mesh.api.transport.pod_access import access_files
from mesh.branches.compare import Gateway
from mesh.branches.controller import BranchController
from mesh.branches.data.diff import DataDiff
from mesh.branches.data.snapshots import Snapshots
from mesh.branches.data.work import Copying
from mesh.canary.guard import CanaryGuard
from mesh.console.comparing import Comparing
from mesh.console.memory import MemoryFile
from mesh.console.server import Console
from mesh.control.programmer import Programmer
from mesh.daemon import daemon_log
from mesh.daemon.address import reachable
from mesh.daemon.api_service import ensure_api_service
from mesh.daemon.branch_secret import branch_secret
from mesh.daemon.descriptors import raise_descriptor_limit
from mesh.daemon.dormant import mark_dormant
from mesh.daemon.failure import Failure
from mesh.daemon.home import Home, Settings
from mesh.daemon.pod_network import PodNetwork, choose
from mesh.daemon.ports import bind_problem, gateway_places, require_free
from mesh.envoy.data_plane import DataPlane, DataPlaneSettings
from mesh.envoy.process.binary import EnvoyMissing
from mesh.envoy.process.envoy_process import EnvoyFailed
from mesh.envoy.process.records import reap as reap_envoys
from mesh.envoy.process.records import survive
from mesh.observe.access_log import AccessLog
from mesh.observe.hops import Ring
from mesh.observe.otlp import Exporter, endpoint
from mesh.observe.reasons import Reasons
from mesh.observe.telemetry import Telemetry
from mesh.pods.controllers.endpoints import EndpointController
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.gateway_accounts import GatewayAccounts
from mesh.pods.controllers.load_balancers import LoadBalancerController
from mesh.pods.controllers.objects import Objects
from mesh.pods.dependencies import Settled
from mesh.pods.host.leftovers import reap_leftovers
from mesh.pods.images.choice import ImageSettings, mode_of
from mesh.pods.manager import PodManager
from mesh.pods.network.name_table import NameTable
from mesh.reconcile.supervisor import Supervisor
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import GROUP
from mesh.resources.values.durations import seconds
from mesh.routing.world import MeshSettings
from mesh.store import Store, Stored, StoreError

SETTLE_LIMIT = 5.0
EVENTS_KEPT = 200


class Progress:
    """Reports the start on standard output, then redirects it to /dev/null."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def step(self, name: str) -> None:
        took = (time.perf_counter() - self._begun) * 1000
        self._say({"step": name, "milliseconds": round(took, 1)})

    def ready(self, **more: Any) -> None:
        self._say({"ready": True, **more})
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())

    def failed(self, message: str, remedy: str = "") -> None:
        self._say({"error": message, "remedy": remedy})

    def _say(self, body: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(body) + "\n")
            sys.stdout.flush()


class HasProblems(Protocol):
    """A part of the daemon that can say what is wrong with it."""

    def problems(self) -> list[str]: ...


class Daemon:
    """Starts the components in order and stops them in reverse."""

    def __init__(self, home: Home, settings: Settings, progress: Progress) -> None:
        self.home = home
        self.settings = settings
        self.progress = progress
        self.begun = time.time()
        self.mesh_settings = MeshSettings()
        self.pod_network: PodNetwork | None = None
        self.credentials: Credentials | None = None
        self.supervisor = Supervisor()
        self.dormant = 0

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        async with AsyncExitStack() as stack:
            ready = await self._start(stack)
            self.progress.ready(**ready)
            await stopped.wait()

    async def _start(self, stack: AsyncExitStack) -> dict[str, Any]:
        home, settings = self.home, self.settings
        reap_leftovers(home.path, adoptable=False)
        if not survive(home.path, settings.place):
            reap_envoys(home.path)
            require_free(settings)
        store = Store.open(home.path / "store.db")
        stack.callback(store.close)
        self.progress.step("store")

        self.dormant = mark_dormant(store, settings.dormant)

        supervisor = self.supervisor
        stack.push_async_callback(supervisor.close)

        api_settings = ApiSettings(
            home=home.path, port=settings.api_port, node_address=settings.address, namespace=settings.namespace
        )
        # Bound before anything uses it: pods get its address at their start.
        api_listener = bind(api_settings)
        stack.callback(api_listener.close)
        self.credentials = prepare(home.path, api_settings.host)

        ring = Ring()
        api_address = (api_settings.host, api_listener.getsockname()[1])
        pod_network = self.pod_network = await choose(
            settings.network, home.path, api_address, stack, self.supervisor, settings.place
        )
        # Before anything reads Services: its address is nobody else's.
        ensure_api_service(store, api_address[1], namespaces=pod_network.agent is not None)
        self.progress.step("network")
        plane = DataPlane(
            home.path,
            DataPlaneSettings(settings.envoy_concurrency or None, pod_network.launch, pod_network.place),
            AccessLog(ring),
            supervisor=supervisor,
            edge=pod_network.edge,
        )
        await plane.start()
        stack.push_async_callback(plane.stop)
        self.progress.step("envoy")

        mesh = self.mesh_settings = MeshSettings(
            gateway_address=settings.address,
            node_address=settings.address,
            ports={80: settings.gateway_port, 443: settings.gateway_https_port},
            developer_subnet=pod_network.developer_subnet,
            **gateway_places(pod_network.gateway_subnet),
            network=pod_network.network,
            telemetry=settings.telemetry,
            any_host=settings.outbound_traffic_policy == "allow-any",
            branch_secret=branch_secret(home.path),
        )
        events = Recorder(Objects(store), EVENTS_KEPT)

        def on_refusal(stored: Stored, reason: str) -> None:
            events.warning(stored, "Rejected", f"Envoy refused it: {reason}")

        programmer = Programmer(store, plane, mesh, on_refusal, supervisor, pod_network.socket_to)
        await programmer.start()
        stack.push_async_callback(programmer.stop)

        async def settled(version: int) -> None:
            with suppress(TimeoutError):
                await programmer.acknowledged(version, SETTLE_LIMIT)

        pods = await self._start_pods(stack, store, pod_network, settled)
        self.progress.step("pods")

        copying = Copying(pods.stores, plane.quieten)
        branches, data = await _start_branches(stack, store, settled, settings, ring, supervisor, copying)

        await _start_canary_guard(stack, store, events, supervisor)
        telemetry = self._telemetry(stack, store, ring)

        gateway = Gateway(settings.address, settings.gateway_port)
        console = Console(
            lambda: api.app,
            Comparing(gateway, telemetry),
            settings.console_port,
            MemoryFile(home.path / "console.json"),
        )
        stack.push_async_callback(console.stop)

        api = ApiServer(
            store,
            api_settings,
            plane=programmer,
            logs=pods.logs,
            allocator=pod_network.addresses,
            status=lambda: {
                **self._status(plane, store, pods),
                "problems": self._problems(store, pods, programmer, branches),
            },
            sources=Sources(telemetry, Reasons(store, lambda: programmer.snapshot), lambda: programmer.snapshot),
            extra_routes=[*console.routes, *data.routes],
            supervisor=supervisor,
            streams=pods.streams,
            listener=api_listener,
        )
        url = await api.start()
        stack.push_async_callback(api.stop)
        await console.start()
        self.progress.step("api")
        return {"api": url, "dormant": self.dormant}

    async def _start_pods(
        self, stack: AsyncExitStack, store: Store, pod_network: PodNetwork, settled: Settled
    ) -> PodManager:
        """What runs pods, and what reports about them."""
        pods = PodManager(
            store,
            self.home.path,
            pod_network.runtime,
            pod_network.addresses,
            settled,
            supervisor=self.supervisor,
            access=self._access,
            image_settings=ImageSettings(mode_of(self.settings.images), seconds(self.settings.images_unused)),
        )
        await pods.start()
        stack.push_async_callback(pods.stop)
        if pod_network.agent is not None:
            names = NameTable(store, pod_network.agent.set_names, self.supervisor)
            names.start()
            stack.push_async_callback(names.stop)
        endpoints = EndpointController(store, self.supervisor)
        await endpoints.start()
        stack.push_async_callback(endpoints.stop)
        await _start_gateways(stack, store, self.settings, self.supervisor)
        return pods

    def _access(self, pod: Pod) -> Mapping[str, bytes]:
        """What a pod needs to ask the API. On loopback there is no place at which a program would look for it."""
        if self.credentials is None or self.pod_network is None or self.pod_network.agent is None:
            return {}
        metadata, credentials = pod.metadata, self.credentials
        namespace, name, uid = metadata.namespace or "", metadata.name, metadata.uid or ""
        return access_files(credentials.token, credentials.authority, namespace, name, uid)

    def _telemetry(self, stack: AsyncExitStack, store: Store, ring: Ring) -> Telemetry:
        """Starts to read what Envoy reports, and to export it when the environment names a collector."""
        try:
            collector = endpoint()
        except ValueError as error:
            raise Failure(str(error), "unset it, or set it to a collector's URL") from None
        exporter = Exporter(collector, self.supervisor) if collector is not None else None
        if exporter is not None:
            exporter.start()
            stack.push_async_callback(exporter.stop)
        telemetry = Telemetry(store, ring, exporter, self.supervisor)
        telemetry.start()
        stack.push_async_callback(telemetry.stop)
        return telemetry

    def _status(self, plane: DataPlane, store: Store, pods: PodManager) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "home": str(self.home.path),
            "started": self.begun,
            "gateway": self.settings.gateway_url,
            "settings": self.settings.to_json(),
            "version": store.version,
            "envoy": plane.describe(),
            "loops": {name: asdict(state) for name, state in self.supervisor.states.items()},
            "network": self.pod_network.describe() if self.pod_network is not None else {},
            "images": pods.images.describe(),
            "developer": _developer_places(self.mesh_settings, store),
        }

    def _problems(self, store: Store, *sources: HasProblems) -> list[str]:
        """What is wrong with the daemon itself, for people."""
        loops = (f"the daemon's loop {problem}" for problem in self.supervisor.problems())
        undecodable = (f"{ref} is set aside: {reason}" for ref, reason in store.undecodable.items())
        return [*loops, *undecodable, *(problem for source in sources for problem in source.problems())]


def _developer_places(mesh: MeshSettings, store: Store) -> dict[str, str]:
    """Where programs outside the mesh call into a namespace: address and port, by namespace."""
    namespaces = {stored.ref.namespace for stored in store.list(GROUP, "Branch")}
    return {name: f"{mesh.developer_address(name)}:{mesh.sidecar_port}" for name in sorted(namespaces)}


async def _start_branches(
    stack: AsyncExitStack,
    store: Store,
    settled: Settled,
    settings: Settings,
    ring: Ring,
    supervisor: Supervisor,
    copying: Copying,
) -> tuple[BranchController, DataPaths]:
    """What gives branches what they need, and what answers for their data and for snapshots of stores."""
    expires = settings.branch_expires
    branches = BranchController(store, settled, settings.preview_url, expires, ring, supervisor, copying=copying)
    await branches.start()
    stack.push_async_callback(branches.stop)
    snapshots = Snapshots(store, copying, branches.data)
    await snapshots.start()
    return branches, DataPaths(store, snapshots, DataDiff(store, copying, branches.data))


async def _start_gateways(stack: AsyncExitStack, store: Store, settings: Settings, supervisor: Supervisor) -> None:
    """What gives Services of type LoadBalancer the mesh's address, and Gateways their accounts."""
    reserved = dict.fromkeys((settings.gateway_port, settings.gateway_https_port), "the gateway")
    events = Recorder(Objects(store), EVENTS_KEPT)
    problem = partial(bind_problem, settings.address)
    balancers = LoadBalancerController(store, reachable(settings.address), reserved, problem, events, supervisor)
    await balancers.start()
    stack.push_async_callback(balancers.stop)
    accounts = GatewayAccounts(store, supervisor)
    await accounts.start()
    stack.push_async_callback(accounts.stop)


async def _start_canary_guard(stack: AsyncExitStack, store: Store, events: Recorder, supervisor: Supervisor) -> None:
    """What restores the rules of canaries that nobody runs any more."""
    canaries = CanaryGuard(store, events, supervisor)
    await canaries.start()
    stack.push_async_callback(canaries.stop)


def main(arguments: list[str]) -> int:
    """Runs the daemon for HOME with SETTINGS (JSON); returns the exit code."""
    home = Home(Path(arguments[0]))
    settings = Settings.from_json(json.loads(arguments[1]))
    progress = Progress()
    daemon_log.configure(home.daemon_log)
    # A crash in native code leaves where it was, and not just a number.
    faulthandler.enable()
    try:
        raise_descriptor_limit()
        home.prepare()
        lock = home.lock()
        home.register()
        home.save(settings)
        # Nearly everything that a change makes ends with it or stays for long: looking for cycles after every 700 new
        # objects, as Python does, finds none and takes a third of the time when there are thousands of branches.
        gc.set_threshold(50_000, 20, 20)
        uvloop.run(Daemon(home, settings, progress).run())
        home.daemon_file.unlink(missing_ok=True)
        os.close(lock)
    except Failure as failure:
        progress.failed(failure.message, failure.remedy)
        return failure.code
    except (StoreError, EnvoyFailed, EnvoyMissing, OSError) as error:
        progress.failed(f"the mesh did not start: {error}")
        return 1
    except Exception as error:
        progress.failed(f"the mesh did not start: {error}", f"see its log: {home.daemon_log}")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
