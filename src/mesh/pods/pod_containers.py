"""The containers of one pod: init containers one after the other, then the others; sidecars from their turn to the end.

An init container with restartPolicy Always is a sidecar (Kubernetes, "Sidecar Containers"): the next container waits
until it has started, and it is ended after the main containers, in reverse order. It has no say in how the pod ends.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterable

import msgspec

from mesh.pods.container import ContainerRunner, Record
from mesh.pods.container_state import CREATING, INITIALIZING
from mesh.pods.dependencies import PodDependencies
from mesh.pods.runtime.interface import Sandbox
from mesh.resources.core.ephemeral_container import EphemeralContainer
from mesh.resources.core.pod import Container, Pod
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition

_LOG = logging.getLogger(__name__)

# The main containers may have used up the grace period; a sidecar still gets its SIGTERM.
LEAST_SIDECAR_GRACE = 2.0


class PodContainers:
    """Starts and ends the containers of a pod.

    `exit_codes` are those of the containers that have ended for good, by name. `completed` is set when the pod's work
    is over: all main containers have ended for good, or an init container has failed for good.
    """

    def __init__(self, pod: Pod, dependencies: PodDependencies, changed: Callable[[], None], record: Record) -> None:
        self._changed = changed
        policy = pod.spec.restart_policy or "Always"
        # An init container runs to completion, unless its own policy Always makes it a sidecar.
        init_policy = "Never" if policy == "Never" else "OnFailure"
        waiting = INITIALIZING if pod.spec.init_containers else CREATING

        def runner(container: Container, restart: str, *, to_completion: bool) -> ContainerRunner:
            made = ContainerRunner(pod, container, restart, dependencies, changed, record)
            made.state.expect(waiting, to_completion=to_completion)
            return made

        self._runner = runner
        self.init = [
            runner(container, container.restart_policy or init_policy, to_completion=not container.restart_policy)
            for container in pod.spec.init_containers
        ]
        self.main = [runner(container, policy, to_completion=False) for container in pod.spec.containers]
        self.ephemeral: list[ContainerRunner] = []
        self.initialized = not self.init
        self.exit_codes: dict[str, int] = {}
        self.completed = asyncio.Event()
        self._stopping = False
        self._started: list[ContainerRunner] = []
        self._runs: list[asyncio.Task[None]] = []

    def named(self, name: str) -> ContainerRunner | None:
        """The runner of a container, init containers included."""
        everyone = (*self.init, *self.main, *self.ephemeral)
        return next((runner for runner in everyone if runner.container.name == name), None)

    def add(self, containers: Iterable[Body], sandbox: Sandbox, status: Body) -> None:
        """Starts those ephemeral containers that are new. They run once, whatever becomes of the others.

        `status` is the pod's: what it says has ended is not started again.
        """
        entries = {str(entry["name"]): entry for entry in status.get("ephemeralContainerStatuses") or ()}
        for container in (msgspec.convert(entry, EphemeralContainer) for entry in containers):
            if self._stopping or self.named(container.name) is not None:
                continue
            runner = self._runner(container, "Never", to_completion=False)
            self.ephemeral.append(runner)
            former = entries.get(container.name, {})
            if "terminated" in (former.get("state") or {}):
                runner.state.restore(former)
            else:
                self._start(runner, sandbox)
        self._changed()

    def restore(self, status: Body) -> None:
        """Takes what the previous daemon has written (PodStatus). What has ended for good is not run again."""
        entries = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        by_name = {str(entry["name"]): entry for entry in entries}
        condition = find_condition(status.get("conditions"), "Initialized")
        initialized = condition is not None and condition["status"] == "True"
        for runner in (*self.init, *self.main):
            name = runner.container.name
            runner.state.restore(by_name.get(name, {}))
            terminated = runner.state.state.get("terminated")
            code = None if terminated is None else int(terminated.get("exitCode", 0))
            if _runs_once(runner, self.init) and initialized:
                code = 0
            if code is not None and (code == 0 or runner.restart == "Never") and runner.restart != "Always":
                self.exit_codes[name] = code
                runner.completed.set()

    async def run(self, sandbox: Sandbox) -> None:
        """Starts all containers in order; returns when the last one has been started, or an init container failed."""
        for runner in self.init:
            name = runner.container.name
            if name not in self.exit_codes:
                self._start(runner, sandbox)
                if runner.restart == "Always":
                    await runner.was_started.wait()
                    continue
                await runner.completed.wait()
                # Its task notes the exit code in the next round of the event loop.
                await asyncio.sleep(0)
            if self.exit_codes.get(name, 1) != 0:
                self.completed.set()
                return
        self.initialized = True
        for runner in self.main:
            if runner.container.name not in self.exit_codes:
                self._start(runner, sandbox)
        self._changed()
        self._note_completion()

    async def stop(self, grace: float, hurry: asyncio.Event) -> None:
        """Ends what still runs: first the main containers, all at once, then the sidecars, the last one first."""
        self._stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        running = [runner for runner in self._started if runner.container.name not in self.exit_codes]
        sidecars = [runner for runner in running if runner in self.init and runner.restart == "Always"]
        others = [runner for runner in running if runner not in sidecars]
        # A debugging shell does not end by itself, and nobody waits for it.
        for runner in self.ephemeral:
            if runner.container.name not in self.exit_codes and runner.current is not None:
                runner.current.process.signal(signal.SIGKILL)
        await asyncio.gather(*(runner.stop(grace, hurry) for runner in others), return_exceptions=True)
        for runner in reversed(sidecars):
            left = deadline - loop.time()
            await runner.stop(max(left, LEAST_SIDECAR_GRACE) if grace > 0 else 0.0, hurry)
        if self._runs:
            await asyncio.wait(self._runs)

    def _start(self, runner: ContainerRunner, sandbox: Sandbox) -> None:
        async def run() -> None:
            try:
                self.exit_codes[runner.container.name] = await runner.run(sandbox)
            except Exception:
                _LOG.exception("container %s", runner.container.name)
                self.exit_codes[runner.container.name] = 1
            self._changed()
            self._note_completion()

        self._started.append(runner)
        self._runs.append(asyncio.create_task(run()))

    def _note_completion(self) -> None:
        # Whoever stops the containers does what has to be done afterwards.
        if self._stopping or not self.initialized:
            return
        if all(runner.container.name in self.exit_codes for runner in self.main):
            self.completed.set()


def _runs_once(runner: ContainerRunner, init: list[ContainerRunner]) -> bool:
    """Whether it is an init container that ends before the next one starts."""
    return runner in init and runner.restart != "Always"
