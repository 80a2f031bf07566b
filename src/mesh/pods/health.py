"""Watches the health of a running container: its startup, readiness and liveness probes.

Readiness and liveness are probed only after startup has succeeded (Kubernetes, "Configure Probes"). A container that
has ports and no readiness probe is ready once it listens. One whose process is stopped (SIGSTOP) is not ready, whatever
a probe says: the kernel goes on accepting connections for it, and their requests would wait for their timeout.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from mesh.pods import probes
from mesh.pods.concurrency import cancel_all
from mesh.pods.container_state import ContainerState
from mesh.pods.freezing.freezer import FrozenPods
from mesh.pods.pod_settings import PodSettings
from mesh.pods.runtime.interface import ProcessSpec, Sandbox
from mesh.procfs import is_stopped
from mesh.resources.core.pod import Probe

STOPPED = "its process is stopped (SIGSTOP)"


class HealthWatch:
    """Probes one run of a container, whose first process is `pid`.

    A check that fails while the pod is frozen counts neither way (`frozen`).
    `changed` is called when the state's `started` or `ready` has changed, `unhealthy(probe, message)` for each failed
    check, and `failed(name, probe)` when a startup or liveness probe says that the container must be restarted.
    """

    def __init__(
        self,
        state: ContainerState,
        sandbox: Sandbox,
        spec: ProcessSpec,
        pid: int,
        settings: PodSettings,
        frozen: FrozenPods,
        changed: Callable[[], None],
        unhealthy: Callable[[str, str], None],
        failed: Callable[[str, Probe], None],
    ) -> None:
        self._state = state
        self._sandbox = sandbox
        self._spec = spec
        self._pid = pid
        self._is_stopped = False
        self._settings = settings
        self._frozen = frozen
        self._changed = changed
        self._unhealthy = unhealthy
        self._failed = failed
        self._tasks: list[asyncio.Task[None]] = []
        self._begun = asyncio.get_running_loop().time()

    def start(self) -> None:
        self._tasks.append(asyncio.create_task(self._watch_stops()))
        probe = self._state.container.startup_probe
        if probe is not None and not self._state.started:
            self._watch(probe, self._on_startup, eager=True)
        else:
            self._watch_started()

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        await cancel_all(tasks)

    def _watch_started(self) -> None:
        container = self._state.container
        if container.readiness_probe is not None:
            self._watch(container.readiness_probe, self._on_readiness, eager=True)
        elif not self._state.ready and not self._state.to_completion:
            self._tasks.append(asyncio.create_task(self._until_listening()))
        if container.liveness_probe is not None:
            # Not eager: a container that is slow to come up must not be restarted for being asked too early.
            self._watch(container.liveness_probe, self._on_liveness, eager=False)

    async def _watch_stops(self) -> None:
        """Not ready while the process is stopped, as seen twice: who copies its files may stop it for a moment."""
        seen = False
        while True:
            await asyncio.sleep(self._settings.stops_every)
            uid = self._sandbox.pod.metadata.uid or ""
            before, seen = seen, is_stopped(self._pid) and not self._frozen.excuses(uid)
            if before and seen:
                if not self._is_stopped:
                    self._is_stopped, self._state.ready = True, False
                    self._state.unhealthy = STOPPED
                    self._unhealthy("Readiness", STOPPED)
                    self._changed()
                    # Envoy should know first: what was reset is tried again.
                    await asyncio.sleep(self._settings.stops_every / 2)
                await self._sandbox.reset_connections()
            elif self._is_stopped and not seen:
                self._is_stopped = False
                if self._state.started and self._state.container.readiness_probe is None:
                    self._state.ready, self._state.unhealthy = True, ""
                    self._changed()

    async def _until_listening(self) -> None:
        """Ready as soon as one of its ports is open; after a while in any case, since nobody has asked for a probe."""
        container, settings = self._state.container, self._settings
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.first_checks_for):
                while not await probes.listens(container.tcp_ports, self._sandbox):  # noqa: ASYNC110 - nobody says when
                    await asyncio.sleep(settings.first_check_every)
        self._state.ready = not self._is_stopped
        self._changed()

    def _watch(self, probe: Probe, on_result: probes.OnResult, *, eager: bool) -> None:
        async def check() -> None:
            try:
                await probes.check(probe, self._state.container, self._sandbox, self._spec)
            except probes.ProbeFailed as failure:
                if self._frozen.excuses(self._sandbox.pod.metadata.uid or ""):
                    raise probes.ProbeExcused(str(failure)) from None
                raise

        work = probes.watch(probe, check, on_result, self._settings, eager=eager)
        self._tasks.append(asyncio.create_task(work))

    def _note(self, probe: str, message: str) -> None:
        """A check has failed: an event says so, and the status of a container that should be up by now."""
        self._unhealthy(probe, message)
        text = f"{probe} probe failed: {message}"
        late = asyncio.get_running_loop().time() - self._begun > self._settings.start_patience
        if late and not self._state.ready and self._state.unhealthy != text:
            self._state.unhealthy = text
            self._changed()

    def _on_startup(self, result: probes.Result) -> bool:
        probe = self._state.container.startup_probe
        assert probe is not None
        if not result.success:
            self._note("Startup", result.message)
        if not result.reached:
            return True
        if result.success:
            self._state.unhealthy = ""
            self._state.start_up()
            self._watch_started()
            self._changed()
        else:
            self._failed("startup", probe)
        return False

    def _on_readiness(self, result: probes.Result) -> bool:
        if not result.success:
            self._note("Readiness", result.message)
        if result.reached and self._state.ready is not result.success and not self._is_stopped:
            self._state.ready = result.success
            if result.success:
                self._state.unhealthy = ""
            self._changed()
        return True

    def _on_liveness(self, result: probes.Result) -> bool:
        probe = self._state.container.liveness_probe
        assert probe is not None
        if not result.success:
            self._note("Liveness", result.message)
        if result.reached and not result.success:
            self._failed("liveness", probe)
            return False
        return True
