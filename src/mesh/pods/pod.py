"""One pod, from its first appearance in the store to its end."""

import asyncio
from collections.abc import Callable, Mapping

from mesh.pods.concurrency import cancel_all, first_completed
from mesh.pods.container import NEVER_RAN, ContainerRunner
from mesh.pods.controllers.objects import now, seconds_since
from mesh.pods.dependencies import PodDependencies
from mesh.pods.empty_dirs import end_of
from mesh.pods.pod_containers import PodContainers
from mesh.pods.pod_status import pod_status, with_ephemeral
from mesh.pods.postponed import Postponed, insist
from mesh.pods.runtime.interface import Limitation, Runtime, Sandbox, SandboxError
from mesh.pods.termination import drained, pod_grace
from mesh.pods.volume_updates import VolumeUpdates
from mesh.resources.core.pod import Pod
from mesh.resources.values.body import Body
from mesh.store import Stored

SANDBOX_RETRY_SECONDS = 1.0
DEADLINE_EXCEEDED = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


class PodRunner:
    """Runs the containers of a pod, writes its status, and ends it once it has a deletionTimestamp.

    `gone` is called when nothing of the pod runs any more. How it ends: `mesh.pods.termination`.
    """

    def __init__(self, stored: Stored, dependencies: PodDependencies, gone: Callable[["PodRunner"], None]) -> None:
        self.ref = stored.ref
        self.uid = str(stored.body["metadata"]["uid"])
        self.pod: Pod = stored.typed
        self.start_time = now()
        self.terminating = False
        self.failure = ("", "")
        self._stored = stored
        self._dependencies = dependencies
        self._gone = gone
        self._sandbox: Sandbox | None = None
        self._volumes: VolumeUpdates | None = None
        self._status = Postponed(self._write_status, f"the status of {stored.ref}")
        self._hurry = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._shutting_down = False
        self._containers = PodContainers(self.pod, dependencies, self._changed, self._record)
        self.exit_codes: Mapping[str, int] = self._containers.exit_codes
        self._task = asyncio.create_task(self._run())

    @property
    def ip(self) -> str:
        """The pod's address; "" until it has a place to run in."""
        return "" if self._sandbox is None else self._sandbox.ip

    @property
    def sandbox(self) -> Sandbox | None:
        """Where the pod runs; None until there is such a place."""
        return self._sandbox

    @property
    def initialized(self) -> bool:
        """Whether its init containers have done their work."""
        return self._containers.initialized

    def container(self, name: str) -> ContainerRunner | None:
        """The runner of one of its containers, init containers included."""
        return self._containers.named(name)

    def update(self, stored: Stored) -> None:
        """Takes a newer version of the object: a deletionTimestamp begins its end, a grace period of 0 hurries it."""
        if self._volumes is not None:
            self._volumes.pod_changed(stored)
        self._stored = stored
        self._add_ephemeral()
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

    async def _run(self) -> None:
        """From the sandbox to the end of the last container; a pod that serves is ended by `_end` before that."""
        adopted = self._dependencies.runtime.adopt(self.pod)
        if adopted is not None:
            self._resume(adopted)
        try:
            async with asyncio.timeout(_time_left(self.pod, self.start_time)):
                sandbox = adopted or await self._begin()
                await self._containers.run(sandbox)
                self.failure = await end_of(self.pod, self._containers.completed, sandbox, self._dependencies.settings)
                if self.failure[0]:
                    self._record("Warning", *self.failure)
        except TimeoutError:
            self.failure = DEADLINE_EXCEEDED
        await self._finish()

    async def _begin(self) -> Sandbox:
        """Gives a new pod its place to run in."""
        sandbox = await _create_sandbox(self.pod, self._dependencies.runtime, self._refused)
        self._settle_in(sandbox)
        self._record("Normal", "Scheduled", f"{self.ref.namespace}/{self.ref.name} has the address {sandbox.ip}")
        for reason, message in _limitations(self.pod, self._dependencies):
            self._record("Warning", reason, message)
        self._status.now()
        if sandbox.is_captured:
            # A program that connects to its database first thing must find Envoy's listener in its network.
            settled = self._dependencies.settled(self._dependencies.objects.store.version)
            await first_completed(settled, self._hurry.wait(), limit=self._dependencies.settings.settle_limit)
        return sandbox

    def _resume(self, sandbox: Sandbox) -> None:
        """Goes on with a pod that has outlived its daemon: containers that have ended meanwhile are started again."""
        self._settle_in(sandbox)
        status = self._stored.body.get("status") or {}
        self.start_time = str(status.get("startTime") or self.start_time)
        self._containers.restore(status)

    async def _finish(self) -> None:
        """Its work is over: what it occupied is free for others, and its status stays, as does its log."""
        await self._containers.stop(pod_grace(self.pod), self._hurry)
        self._status.now()
        await self._free()
        self._gone(self)

    def _settle_in(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._volumes = VolumeUpdates(self.pod, sandbox, self._dependencies)
        self._add_ephemeral()

    def _add_ephemeral(self) -> None:
        """Starts what `kubectl debug` has added since."""
        entries = self._stored.body["spec"].get("ephemeralContainers")
        if entries and self._sandbox is not None and not self.terminating:
            self._sandbox.pod = self._stored.typed
            self._containers.add(entries, self._sandbox, self._stored.body.get("status") or {})

    def _refused(self, error: SandboxError) -> None:
        self._record("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
        self._status.now()

    def _begin_end(self, grace: float) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace))

    async def _end(self, grace: float) -> None:
        """The steps of a pod's end; see `mesh.pods.termination`."""
        self.terminating = True
        self._status.now()
        if grace > 0 and not self._hurry.is_set():
            settled = self._dependencies.settled(self._dependencies.objects.store.version)
            await drained(settled, self._hurry, self._dependencies.settings.settle_limit)
        self._record("Normal", "Killing", "Stopping the pod's containers")
        await self._stop(grace)
        await insist(self._leave, self.ref, until=lambda: self._shutting_down)
        self._gone(self)

    def _leave(self) -> None:
        """Removes the object, unless somebody still needs it (finalizers): then its last status stays to be read."""
        stored = self._dependencies.objects.store.get(self.ref)
        if stored is not None and stored.uid == self.uid and stored.metadata.get("finalizers"):
            for container in self.pod.spec.containers:
                self._containers.exit_codes.setdefault(container.name, NEVER_RAN)
            self._status.now()
            return
        self._dependencies.objects.delete(self.ref)
        self._dependencies.logs.remove_pod(self.ref.namespace, self.ref.name)

    async def _stop(self, grace: float) -> None:
        """Ends the containers, and gives back what the pod has."""
        await cancel_all([self._task])
        await self._containers.stop(grace, self._hurry)
        self._status.cancel()
        await self._free()

    async def _free(self) -> None:
        if self._volumes is not None:
            await self._volumes.stop()
        if self._sandbox is not None:
            await self._sandbox.remove()

    def _changed(self) -> None:
        """Writes the status soon, once for all changes of this round of the event loop."""
        if not self._shutting_down:
            self._status.soon()

    def _write_status(self) -> None:
        init = [runner.state for runner in self._containers.init]
        containers = [runner.state for runner in self._containers.main]
        ephemeral = [runner.state for runner in self._containers.ephemeral]
        host_ip = self._sandbox.host_ip if self._sandbox is not None else ""

        def write(body: Body) -> None:
            # Another pod may have taken the name.
            if body["metadata"].get("uid") == self.uid:
                status = pod_status(self.pod, self, init, containers, host_ip, body.get("status") or {})
                body["status"] = with_ephemeral(status, ephemeral)

        self._dependencies.objects.update(self.ref, write)

    def _record(self, kind: str, reason: str, message: str) -> None:
        if not self._shutting_down:
            events = self._dependencies.events
            (events.normal if kind == "Normal" else events.warning)(self._stored, reason, message)


def _time_left(pod: Pod, start_time: str) -> float | None:
    """Seconds until activeDeadlineSeconds are over; None without one."""
    deadline = pod.spec.active_deadline_seconds
    return None if deadline is None else max(0.0, deadline - seconds_since(start_time))


async def _create_sandbox(pod: Pod, runtime: Runtime, refused: Callable[[SandboxError], None]) -> Sandbox:
    """Tries until the pod has a place to run in: addresses come free when other pods end."""
    while True:
        try:
            return await runtime.create(pod)
        except SandboxError as error:
            refused(error)
            await asyncio.sleep(SANDBOX_RETRY_SECONDS)


def _limitations(pod: Pod, dependencies: PodDependencies) -> list[Limitation]:
    return dependencies.runtime.limitations(pod, dependencies.container_images.from_image(pod))
