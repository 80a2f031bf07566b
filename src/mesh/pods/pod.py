"""One pod, from its first appearance in the store to its end."""

import asyncio
import logging
from collections.abc import Callable

from mesh.pods.concurrency import cancel_all, first_completed
from mesh.pods.container import ContainerRunner
from mesh.pods.controllers.objects import now
from mesh.pods.dependencies import PodDependencies
from mesh.pods.pod_status import pod_status
from mesh.pods.runtime.interface import Runtime, Sandbox, SandboxError
from mesh.pods.termination import drained, pod_grace
from mesh.pods.volume_updates import VolumeUpdates
from mesh.resources.core.pod import Container, Pod
from mesh.resources.values.body import Body
from mesh.store import Stored

_LOG = logging.getLogger(__name__)

SANDBOX_RETRY_SECONDS = 1.0


class PodRunner:
    """Runs the containers of a pod, writes its status, and ends it once it has a deletionTimestamp.

    `gone` is called when nothing of the pod runs any more. How it ends: `mesh.pods.termination`.
    """

    def __init__(self, stored: Stored, dependencies: PodDependencies, gone: Callable[["PodRunner"], None]) -> None:
        self.ref = stored.ref
        self.uid = str(stored.body["metadata"]["uid"])
        self.pod: Pod = stored.typed
        self.start_time = now()
        self.initialized = not self.pod.spec.init_containers
        self.terminating = False
        self.exit_codes: dict[str, int] = {}
        self._stored = stored
        self._dependencies = dependencies
        self._gone = gone
        self._sandbox: Sandbox | None = None
        self._volumes: VolumeUpdates | None = None
        self._flush_due: asyncio.Handle | None = None
        self._hurry = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._shutting_down = False
        policy = self.pod.spec.restart_policy or "Always"
        # An init container runs to completion, unless its own policy Always makes it a sidecar.
        init_policy = "Never" if policy == "Never" else "OnFailure"
        self._init = [self._runner(c, c.restart_policy or init_policy) for c in self.pod.spec.init_containers]
        self._containers = [self._runner(c, policy) for c in self.pod.spec.containers]
        self._started: list[ContainerRunner] = []
        self._runs: list[asyncio.Task[None]] = []
        self._task = asyncio.create_task(self._run())

    @property
    def ip(self) -> str:
        """The pod's address; "" until it has a place to run in."""
        return "" if self._sandbox is None else self._sandbox.ip

    @property
    def sandbox(self) -> Sandbox | None:
        """Where the pod runs; None until there is such a place."""
        return self._sandbox

    def container(self, name: str) -> ContainerRunner | None:
        """The runner of one of its containers, init containers included."""
        runners = (*self._init, *self._containers)
        return next((runner for runner in runners if runner.container.name == name), None)

    def update(self, stored: Stored) -> None:
        """Takes a newer version of the object: a deletionTimestamp begins its end, a grace period of 0 hurries it."""
        if self._volumes is not None:
            self._volumes.pod_changed(stored)
        if not stored.body["metadata"].get("deletionTimestamp"):
            return
        grace = stored.body["metadata"].get("deletionGracePeriodSeconds")
        if grace == 0:
            self._hurry.set()
        self._begin_end(pod_grace(self.pod) if grace is None else float(grace))

    def removed(self) -> None:
        """The object was taken out of the store without a deletionTimestamp: ends what runs, with the usual grace."""
        self._begin_end(pod_grace(self.pod))

    async def shut_down(self, grace: float) -> None:
        """Ends the processes because the daemon ends. The object stays, and Envoy is not waited for."""
        self._shutting_down = True
        if self._ending is not None:
            self._hurry.set()
            await asyncio.wait([self._ending])
            return
        await self._stop(min(grace, pod_grace(self.pod)))

    def _runner(self, container: Container, restart: str) -> ContainerRunner:
        return ContainerRunner(self.pod, container, restart, self._dependencies, self._changed, self._record)

    async def _run(self) -> None:
        if (adopted := self._dependencies.runtime.adopt(self.pod)) is not None:
            await self._resume(adopted)
            return
        sandbox = await _create_sandbox(self.pod, self._dependencies.runtime, self._refused)
        self._settle_in(sandbox)
        self._record("Normal", "Scheduled", f"{self.ref.namespace}/{self.ref.name} has the address {sandbox.ip}")
        for reason, message in self._dependencies.runtime.limitations(self.pod):
            self._record("Warning", reason, message)
        self._flush()
        if sandbox.is_captured:
            # A program that connects to its database first thing must find Envoy's listener in its network.
            settled = self._dependencies.settled(self._dependencies.objects.store.version)
            await first_completed(settled, self._hurry.wait(), limit=self._dependencies.settings.settle_limit)
        for runner in self._init:
            self._start(runner, sandbox)
            if runner.restart == "Always":
                await runner.was_started.wait()
                continue
            await runner.completed.wait()
            # Its task notes the exit code in the next round of the event loop.
            await asyncio.sleep(0)
            if self.exit_codes.get(runner.container.name, 1) != 0:
                return
        self.initialized = True
        if not self.terminating and not self._shutting_down:
            for runner in self._containers:
                self._start(runner, sandbox)
        self._changed()

    async def _resume(self, sandbox: Sandbox) -> None:
        """Goes on with a pod that has outlived its daemon: containers that have ended meanwhile are started again."""
        self._settle_in(sandbox)
        status = self._stored.body.get("status") or {}
        self.start_time = str(status.get("startTime") or self.start_time)
        statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        by_name = {str(entry["name"]): entry for entry in statuses}
        for runner in (*self._init, *self._containers):
            runner.state.restore(by_name.get(runner.container.name, {}))
        self.initialized = True
        for runner in self._init:
            if runner.restart == "Always":
                self._start(runner, sandbox)
            else:
                self.exit_codes[runner.container.name] = 0
        for runner in self._containers:
            self._start(runner, sandbox)

    def _settle_in(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._volumes = VolumeUpdates(self.pod, sandbox, self._dependencies)

    def _refused(self, error: SandboxError) -> None:
        self._record("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
        self._flush()

    def _start(self, runner: ContainerRunner, sandbox: Sandbox) -> None:
        async def run() -> None:
            try:
                self.exit_codes[runner.container.name] = await runner.run(sandbox)
            except Exception:
                _LOG.exception("%s: container %s", self.ref, runner.container.name)
                self.exit_codes[runner.container.name] = 1
            self._changed()

        self._started.append(runner)
        self._runs.append(asyncio.create_task(run()))

    def _begin_end(self, grace: float) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace))

    async def _end(self, grace: float) -> None:
        """The steps of a pod's end; see `mesh.pods.termination`."""
        self.terminating = True
        self._flush()
        if grace > 0 and not self._hurry.is_set():
            settled = self._dependencies.settled(self._dependencies.objects.store.version)
            await drained(settled, self._hurry, self._dependencies.settings.settle_limit)
        self._record("Normal", "Killing", "Stopping the pod's containers")
        await self._stop(grace)
        if not self._shutting_down:
            self._dependencies.objects.delete(self.ref)
            self._dependencies.logs.remove_pod(self.ref.namespace, self.ref.name)
        self._gone(self)

    async def _stop(self, grace: float) -> None:
        """Ends the containers, all at once, and gives back what the pod has."""
        await cancel_all([self._task])
        running = [runner for runner in self._started if runner.container.name not in self.exit_codes]
        await asyncio.gather(*(runner.stop(grace, self._hurry) for runner in running), return_exceptions=True)
        if self._runs:
            await asyncio.wait(self._runs)
        if self._flush_due is not None:
            self._flush_due.cancel()
        if self._volumes is not None:
            await self._volumes.stop()
        if self._sandbox is not None:
            await self._sandbox.remove()

    def _changed(self) -> None:
        """Writes the status soon, once for all changes of this round of the event loop."""
        if self._flush_due is None and not self._shutting_down:
            self._flush_due = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None
        init = [runner.state for runner in self._init]
        containers = [runner.state for runner in self._containers]
        host_ip = self._sandbox.host_ip if self._sandbox is not None else ""

        def write(body: Body) -> None:
            # Another pod may have taken the name.
            if body["metadata"].get("uid") == self.uid:
                body["status"] = pod_status(self.pod, self, init, containers, host_ip, body.get("status") or {})

        self._dependencies.objects.update(self.ref, write)

    def _record(self, kind: str, reason: str, message: str) -> None:
        if not self._shutting_down:
            events = self._dependencies.events
            (events.normal if kind == "Normal" else events.warning)(self._stored, reason, message)


async def _create_sandbox(pod: Pod, runtime: Runtime, refused: Callable[[SandboxError], None]) -> Sandbox:
    """Tries until the pod has a place to run in: addresses come free when other pods end."""
    while True:
        try:
            return await runtime.create(pod)
        except SandboxError as error:
            refused(error)
            await asyncio.sleep(SANDBOX_RETRY_SECONDS)
