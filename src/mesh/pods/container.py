"""One container: runs its process again and again, as its restart policy says."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from mesh.pods.concurrency import cancel_all, first_completed
from mesh.pods.container_run import Run, start_run
from mesh.pods.container_state import ContainerState
from mesh.pods.dependencies import PodDependencies
from mesh.pods.health import HealthWatch
from mesh.pods.hooks import HookFailed, run_hook
from mesh.pods.images.bringing import PULL_FAILED, SHOWN_FAILED, back_off, bring_image
from mesh.pods.images.container_image import stop_signal
from mesh.pods.logs.log_files import LogFile
from mesh.pods.obstacle import NotYet
from mesh.pods.runtime.interface import Exit, Sandbox
from mesh.pods.termination import pod_grace, probe_grace, terminate
from mesh.reconcile.backoff import Backoff
from mesh.resources.core.pod import HINT, Container, LifecycleHandler, Pod, Probe

# Seconds after which a container that reads from its input is shown as running.
LOOKS_STABLE = 0.3
LAST_LINES = 5
POST_START_LIMIT = 30.0
NEVER_RAN = 137

Record = Callable[[str, str, str], None]
"""Records an event about the pod: type, reason, message."""


class ContainerRunner:
    """Runs one container of a pod. `changed` is called whenever its `state` shows something new.

    `restart` is its restart policy: Always, OnFailure or Never. `completed` is set when it has ended for good, and
    `was_started` when it has started up for the first time.
    """

    def __init__(
        self,
        pod: Pod,
        container: Container,
        restart: str,
        dependencies: PodDependencies,
        changed: Callable[[], None],
        record: Record,
    ) -> None:
        self.container = container
        self.restart = restart
        self.state = ContainerState(container)
        self.completed = asyncio.Event()
        self.was_started = asyncio.Event()
        self._pod = pod
        self._dependencies = dependencies
        self._changed = changed
        self._record = record
        settings = dependencies.settings
        self._backoff = Backoff(settings.backoff_first, settings.backoff_limit, settings.backoff_reset)
        self._stopping = asyncio.Event()
        self._run: Run | None = None
        self._log: LogFile | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def current(self) -> Run | None:
        """The run that is under way; None between two runs."""
        return self._run

    async def run(self, sandbox: Sandbox) -> int:
        """Runs until the container has ended for good; returns its last exit code (137 when it never ran)."""
        code = NEVER_RAN
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                begun = loop.time()
                ended = await self._run_once(sandbox)
                if ended is None:
                    continue
                code = ended.code
                restarts = self.restart == "Always" or (self.restart == "OnFailure" and code != 0)
                if self._stopping.is_set() or not restarts:
                    break
                await self._pause_before_restart(sandbox, self._backoff.after(loop.time() - begun))
                if not self._stopping.is_set():
                    self.state.restarts += 1
        finally:
            self.completed.set()
        return code

    async def stop(self, grace: float, hurry: asyncio.Event) -> None:
        """Ends the container for good; see `mesh.pods.termination.terminate`."""
        self._stopping.set()
        await self._terminate(grace, hurry)
        await self.completed.wait()

    async def _run_once(self, sandbox: Sandbox) -> Exit | None:
        """One run of the process; None when it could not be started, after a pause."""
        try:
            run = self._run = await self._start(sandbox)
        except NotYet as obstacle:
            if not self._stopping.is_set():
                await self._wait_because(obstacle)
            return None
        health = HealthWatch(
            self.state,
            sandbox,
            run.spec,
            run.process.pid,
            self._dependencies.settings,
            self._dependencies.frozen,
            changed=self._on_health_change,
            unhealthy=lambda probe, why: self._record("Warning", "Unhealthy", f"{probe} probe failed: {why}"),
            failed=self._restart_because,
        )
        self._on_start(run, health)
        try:
            ended = await run.process.wait()
        except asyncio.CancelledError:
            run.process.signal(signal.SIGKILL)
            run.close()
            raise
        await health.stop()
        tasks, self._tasks = self._tasks, []
        await cancel_all(tasks)
        # Before the log is closed: what the process left behind may still write to it.
        await sandbox.kill_remaining(self.container.name)
        run.close()
        self._run = None
        # Whoever was attached has seen the last lines, and kubectl run prints the message after them.
        last_lines = "" if self.container.stdin else run.log.last_lines(LAST_LINES)
        self.state.terminate(ended, last_lines)
        self._changed()
        return ended

    async def _start(self, sandbox: Sandbox) -> Run:
        """Raises NotYet."""
        images = self._dependencies.container_images
        image = await bring_image(self._pod, self.container, images, sandbox, self._record, self._stopping)
        run = await start_run(self._pod, self.container, self.state.restarts, sandbox, self._dependencies, image)
        self._log = run.log
        if self._stopping.is_set():
            # `stop` came while the process was being started, and had no process to end.
            run.process.signal(signal.SIGKILL)
        return run

    def _on_start(self, run: Run, health: HealthWatch) -> None:
        if run.adopted:
            # It serves already: its state is what the previous daemon has seen, until a probe says otherwise.
            if self.state.started:
                self.was_started.set()
            health.start()
            return
        self.state.run(run.process.pid, run.image_id)
        if self.state.started:
            self.was_started.set()
        self._record("Normal", "Started", f"Started container {self.container.name} (pid {run.process.pid})")
        if self.container.lifecycle is not None and self.container.lifecycle.post_start is not None:
            self._spawn(self._post_start(run, self.container.lifecycle.post_start))
        health.start()
        if self.container.stdin:
            # kubectl attaches to a container that runs, and reads the log of one that has ended. One that ends at once
            # must not be seen running in between, or its output appears twice; a kubelet looks once a second only.
            asyncio.get_running_loop().call_later(LOOKS_STABLE, self._changed)
        else:
            self._changed()

    def _on_health_change(self) -> None:
        if self.state.started:
            self.was_started.set()
        self._changed()

    def _restart_because(self, name: str, probe: Probe) -> None:
        """Ends the process, whereupon `run` starts it again."""
        self._record("Normal", "Killing", f"Container {self.container.name} failed {name} probe, will be restarted")
        self._spawn(self._terminate(probe_grace(probe, self._pod), asyncio.Event()))

    async def _post_start(self, run: Run, hook: LifecycleHandler) -> None:
        try:
            await run_hook(hook, self.container, run.sandbox, run.spec, POST_START_LIMIT)
        except HookFailed as failure:
            self._record("Warning", "FailedPostStartHook", str(failure))
            await self._terminate(pod_grace(self._pod), asyncio.Event())

    async def _terminate(self, grace: float, hurry: asyncio.Event) -> None:
        run = self._run
        if run is None:
            return
        hook = self.container.lifecycle.pre_stop if self.container.lifecycle is not None else None

        async def pre_stop(limit: float) -> None:
            if hook is not None:
                try:
                    await run_hook(hook, self.container, run.sandbox, run.spec, limit)
                except HookFailed as failure:
                    self._record("Warning", "FailedPreStopHook", str(failure))

        number = stop_signal(run.spec.image.config if run.spec.image is not None else None)
        await terminate(run.process, grace, hurry, pre_stop if hook is not None else None, number)

    async def _wait_because(self, obstacle: NotYet) -> None:
        """Shows why the container waits, and returns when another attempt may succeed."""
        is_pull = obstacle.reason == PULL_FAILED
        if self.state.wait(obstacle.reason, obstacle.message):
            self._record("Warning", "Failed", f"Error: {obstacle.reason}{'' if is_pull else f': {obstacle.message}'}")
        self._changed()
        seconds = max(self._dependencies.settings.backoff_first, self._backoff.after(0.0))
        changed = self._dependencies.configuration_changed
        if is_pull:
            await first_completed(changed.wait(), self._stopping.wait(), limit=min(seconds, SHOWN_FAILED))
            back_off(self.state, self.container.image, obstacle, self._record)
            self._changed()
        await first_completed(changed.wait(), self._stopping.wait(), limit=seconds)

    async def _pause_before_restart(self, sandbox: Sandbox, seconds: float) -> None:
        if seconds <= 0:
            return
        name = self.container.name
        lines = self._log.last_lines(LAST_LINES) if self._log is not None else ""
        message = _crash_message(name, seconds, lines, sandbox.hint(lines))
        self.state.wait("CrashLoopBackOff", message)
        self._changed()
        self._record("Warning", "BackOff", f"Back-off restarting failed container {name}")
        wakers: list[Awaitable[object]] = [self._stopping.wait()]
        if not self.container.command:
            # The program that its image stands for may be corrected in the meantime.
            wakers.append(self._dependencies.configuration_changed.wait())
        await first_completed(*wakers, limit=seconds)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        # The coroutine is the task's own: within another it would never be awaited when the task is cancelled at once.
        self._tasks.append(asyncio.create_task(work))


def _crash_message(name: str, seconds: float, lines: str, hint: str) -> str:
    message = f'back-off {seconds:g}s restarting failed container "{name}"'
    if lines:
        message += f"; its last lines:\n{lines}"
    return f"{message.rstrip()}\n{HINT}{hint}" if hint else message
