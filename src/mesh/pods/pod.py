"""One pod from its first sight to its end."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from contextlib import suppress

from mesh.pods.container import ContainerRunner
from mesh.pods.controllers.objects import now
from mesh.pods.invocation import Launch, launch
from mesh.pods.logs.log_files import LogKey
from mesh.pods.pod_status import pod_status
from mesh.pods.shared import Room
from mesh.resources.core.pod import Container, Pod
from mesh.resources.values.body import Body
from mesh.store import Stored

_LOG = logging.getLogger(__name__)


class PodRunner:
    """Runs the containers of a pod, writes its status, and ends it when it is marked with a deletionTimestamp."""

    def __init__(self, stored: Stored, room: Room, gone: Callable[["PodRunner"], None]) -> None:
        self.ref = stored.ref
        self.uid = str(stored.body["metadata"]["uid"])
        self.pod: Pod = stored.typed
        self.start_time = now()
        self.initialized = not self.pod.spec.init_containers
        self.terminating = False
        self.finished: dict[str, int] = {}
        self.ip = room.block.pod_ip()
        self._stored = stored
        self._room = room
        self._gone = gone
        self._flush_due: asyncio.Handle | None = None
        self._hurry = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._closed = False
        policy = self.pod.spec.restart_policy or "Always"
        once = "Never" if policy == "Never" else "OnFailure"
        self._init = [self._runner(c, c.restart_policy or once) for c in self.pod.spec.init_containers]
        self._containers = [self._runner(c, policy) for c in self.pod.spec.containers]
        self._runs: list[asyncio.Task[None]] = []
        self._task = asyncio.create_task(self._run())

    def marked(self, stored: Stored) -> None:
        """Takes in a newer state of the pod; a deletionTimestamp begins its end, a grace of 0 makes it quick."""
        if not stored.body["metadata"].get("deletionTimestamp"):
            return
        grace = stored.body["metadata"].get("deletionGracePeriodSeconds")
        if grace == 0:
            self._hurry.set()
        if self._ending is None:
            if grace is None:
                grace = stored.body["spec"].get("terminationGracePeriodSeconds", 30)
            self._ending = asyncio.create_task(self._end(float(grace)))

    def removed(self) -> None:
        """Somebody has taken the object out of the store: ends what runs, with the grace of its manifest."""
        if self._ending is None:
            grace = self.pod.spec.termination_grace_period_seconds
            self._ending = asyncio.create_task(self._end(float(30 if grace is None else grace)))

    async def shut_down(self, grace: float) -> None:
        """Ends the processes because the mesh ends; the object stays, nobody is waited for but the processes."""
        self._closed = True
        if self._ending is not None:
            self._hurry.set()
            await asyncio.wait([self._ending])
            return
        limit = self.pod.spec.termination_grace_period_seconds
        await self._stop(grace if limit is None else min(grace, float(limit)))
        self._free()

    def _runner(self, container: Container, restart: str) -> ContainerRunner:
        def prepare() -> Launch:
            return launch(self.pod, container, self.ip, self._room)

        key = LogKey(self.ref.namespace, self.ref.name, container.name)
        return ContainerRunner(
            container, key, self.uid, self.ip, restart, self._room, prepare, self._changed, self._tell
        )

    async def _run(self) -> None:
        self._tell("Normal", "Scheduled", f"{self.ref.namespace}/{self.ref.name} has the address {self.ip}")
        self._warn_of_what_is_not_here()
        self._flush()
        for runner in self._init:
            self._start(runner)
            if runner.restart == "Always":
                await runner.was_started.wait()
                continue
            await runner.done.wait()
            await asyncio.sleep(0)
            if self.finished.get(runner.container.name, 1) != 0:
                return
        self.initialized = True
        if not self.terminating and not self._closed:
            for runner in self._containers:
                self._start(runner)
        self._changed()

    def _start(self, runner: ContainerRunner) -> None:
        async def run() -> None:
            try:
                self.finished[runner.container.name] = await runner.run()
            except Exception:
                _LOG.exception("%s: container %s", self.ref, runner.container.name)
                self.finished[runner.container.name] = 1
            self._changed()

        self._runs.append(asyncio.create_task(run()))

    async def _end(self, grace: float) -> None:
        """Not ready, Envoy told, preStop, SIGTERM, SIGKILL, the object removed, the address given back."""
        self.terminating = True
        self._flush()
        if grace > 0 and not self._hurry.is_set():
            settled = asyncio.ensure_future(self._room.settled(self._room.objects.store.version))
            hurried = asyncio.ensure_future(self._hurry.wait())
            limit = self._room.settings.settle_limit
            await asyncio.wait([settled, hurried], timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            for task in (settled, hurried):
                task.cancel()
            await asyncio.gather(settled, hurried, return_exceptions=True)
        self._tell("Normal", "Killing", "Stopping the pod's containers")
        await self._stop(grace)
        self._free()
        if not self._closed:
            self._room.objects.delete(self.ref)
            self._room.logs.remove_pod(self.ref.namespace, self.ref.name)
        self._gone(self)

    async def _stop(self, grace: float) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        running = [r for r in (*self._containers, *self._init) if r.container.name not in self.finished]
        begun = {r.container.name for r in running if r.container_id or not r.done.is_set()}
        live = [r for r in running if r.container.name in begun and self._runs]
        if self._runs:
            stops = [asyncio.create_task(r.stop(grace, self._hurry)) for r in live if self._is_started(r)]
            if stops:
                await asyncio.wait(stops)
            await asyncio.wait(self._runs)
        await self._room.census.end(self.uid)

    def _is_started(self, runner: ContainerRunner) -> bool:
        count = len(self._runs)
        order = [*self._init, *self._containers]
        return runner in order[:count]

    def _free(self) -> None:
        if self._flush_due is not None:
            self._flush_due.cancel()
        self._closed_flush = True
        self._room.block.release(self.ip)
        shutil.rmtree(self._room.folder(self.uid), ignore_errors=True)

    def _changed(self) -> None:
        if self._flush_due is None and not self._closed:
            self._flush_due = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None

        def write(body: Body) -> None:
            if body["metadata"].get("uid") == self.uid:
                before = body.get("status") or {}
                host = self._room.settings.host_ip
                body["status"] = pod_status(self.pod, self, [*self._init], [*self._containers], host, before)

        self._room.objects.update(self.ref, write)

    def _tell(self, kind: str, reason: str, message: str) -> None:
        if not self._closed:
            tell = self._room.events.normal if kind == "Normal" else self._room.events.warning
            tell(self._stored, reason, message)

    def _warn_of_what_is_not_here(self) -> None:
        for container in (*self.pod.spec.init_containers, *self.pod.spec.containers):
            for mount in container.volume_mounts:
                variable = f"MESHMALL_VOLUME_{mount.name.upper().replace('-', '_')}"
                message = (
                    f"container {container.name}: volume {mount.name} is not at {mount.mount_path}: a process has no "
                    f"mounts of its own here; its folder is in the variable {variable}"
                )
                self._tell("Warning", "VolumeNotMounted", message)
            for probe in (container.startup_probe, container.readiness_probe, container.liveness_probe):
                if probe is not None and probe.grpc is not None:
                    message = f"container {container.name}: a grpc probe is made as a tcpSocket probe here"
                    self._tell("Warning", "ProbeSimplified", message)
