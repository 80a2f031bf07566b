"""One container: its process again and again, its probes, and the state that Kubernetes shows of it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from mesh.pods import probes
from mesh.pods.commands import run_command
from mesh.pods.controllers.objects import now
from mesh.pods.host.process import Exit, Process, StartError
from mesh.pods.invocation import Launch, NotYet
from mesh.pods.logs.log_files import LogFile, LogKey
from mesh.pods.logs.log_pipe import LogPipe
from mesh.pods.shared import Room
from mesh.reconcile.backoff import Backoff
from mesh.resources.core.pod import Container, LifecycleHandler, Probe
from mesh.resources.values.body import Body

LAST_LINES = 5

Tell = Callable[[str, str, str], None]
"""Records an event about the pod: type, reason, message."""


class ContainerRunner:
    """Runs one container of a pod. `changed` is called whenever something that its status shows is different.

    `restart` is its restart policy: Always, OnFailure or Never.
    """

    def __init__(
        self,
        container: Container,
        key: LogKey,
        uid: str,
        ip: str,
        restart: str,
        room: Room,
        prepare: Callable[[], Launch],
        changed: Callable[[], None],
        tell: Tell,
    ) -> None:
        self.container = container
        self.restart = restart
        self.state: Body = {"waiting": {"reason": "ContainerCreating"}}
        self.last_state: Body = {}
        self.restarts = 0
        self.started = False
        self.ready = False
        self.container_id = ""
        self.done = asyncio.Event()
        self.was_started = asyncio.Event()
        self._key, self._uid, self._ip, self._room = key, uid, ip, room
        self._prepare, self._changed, self._tell = prepare, changed, tell
        settings = room.settings
        self._backoff = Backoff(settings.backoff_first, settings.backoff_limit, settings.backoff_reset)
        self._stopping = asyncio.Event()
        self._process: Process | None = None
        self._launch: Launch | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._log: LogFile | None = None

    async def run(self) -> int:
        """Runs until the container has ended for good; returns its last exit code (137 when it never ran)."""
        code = 137
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                begun = loop.time()
                ended = await self._once()
                if ended is None:
                    continue
                code = ended.code
                again = self.restart == "Always" or (self.restart == "OnFailure" and code != 0)
                if self._stopping.is_set() or not again:
                    break
                await self._pause_before_restart(self._backoff.after(loop.time() - begun))
                if not self._stopping.is_set():
                    self.restarts += 1
        finally:
            self.done.set()
        return code

    async def stop(self, grace: float, hurry: asyncio.Event) -> None:
        """Ends the container for good: preStop, SIGTERM, and SIGKILL after `grace` seconds or when `hurry` is set."""
        self._stopping.set()
        await self._end(grace, hurry)
        await self.done.wait()

    def kill(self) -> None:
        """Ends the container's processes at once."""
        self._stopping.set()
        if self._process is not None:
            self._process.signal_group(signal.SIGKILL)

    async def _once(self) -> Exit | None:
        """One run of the process; None when it could not be started, after a pause."""
        try:
            self._launch = self._prepare()
            process, pipe = self._start(self._launch)
        except NotYet as wait:
            await self._wait_because(wait)
            return None
        self._process = process
        self._running(process)
        try:
            ended = await process.wait()
        except asyncio.CancelledError:
            process.signal_group(signal.SIGKILL)
            pipe.close()
            raise
        tasks, self._tasks = self._tasks, []
        current = asyncio.current_task()
        await probes.cancelled([task for task in tasks if task is not current])
        pipe.close()
        self._process = None
        await self._room.census.end(self._uid, self.container.name)
        self._ended(process, ended)
        return ended

    def _start(self, launch: Launch) -> tuple[Process, LogPipe]:
        try:
            log = self._room.logs.start(self._key, self.restarts)
        except OSError as error:
            raise NotYet("CreateContainerError", f"cannot write its log {error.filename}: {error.strerror}") from None
        pipe = LogPipe(log, self._room.settings.log_interval)
        try:
            process = Process.start(
                launch.argv, launch.environment, launch.folder, self._room.records, output=pipe.write_end
            )
        except StartError as error:
            pipe.abandon()
            raise NotYet("CreateContainerError", f'container "{self.container.name}": {error}') from None
        pipe.started()
        self._log = log
        return process, pipe

    def _running(self, process: Process) -> None:
        self.state = {"running": {"startedAt": now()}}
        self.container_id = f"mesh://{process.pid}"
        self.started = self.container.startup_probe is None
        self.ready = self.started and self.container.readiness_probe is None
        if self.started:
            self.was_started.set()
        self._tell("Normal", "Started", f"Started container {self.container.name} (pid {process.pid})")
        if self.container.lifecycle is not None and self.container.lifecycle.post_start is not None:
            self._spawn(self._after_start(self.container.lifecycle.post_start))
        if self.container.startup_probe is not None:
            self._watch(self.container.startup_probe, self._startup, eager=True)
        else:
            self._watch_running()
        self._changed()

    def _watch_running(self) -> None:
        if self.container.readiness_probe is not None:
            self._watch(self.container.readiness_probe, self._readiness, eager=True)
        if self.container.liveness_probe is not None:
            self._watch(self.container.liveness_probe, self._liveness, eager=False)

    def _watch(self, probe: Probe, heard: Callable[[bool, bool, str], bool], *, eager: bool) -> None:
        async def checked() -> None:
            await probes.check(probe, self.container, self._ip, self._exec)

        self._spawn(probes.watch(probe, checked, heard, self._room.settings, eager=eager))

    def _spawn(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            await work

        self._tasks.append(asyncio.create_task(guarded()))

    def _startup(self, success: bool, reached: bool, message: str) -> bool:
        if not success:
            self._unhealthy("Startup", message)
        if not reached:
            return True
        if not success:
            self._restart_because("startup")
            return False
        self.started = True
        self.was_started.set()
        self.ready = self.container.readiness_probe is None
        self._watch_running()
        self._changed()
        return False

    def _readiness(self, success: bool, reached: bool, message: str) -> bool:
        if not success:
            self._unhealthy("Readiness", message)
        if reached and self.ready is not success:
            self.ready = success
            self._changed()
        return True

    def _liveness(self, success: bool, reached: bool, message: str) -> bool:
        if not success:
            self._unhealthy("Liveness", message)
        if reached and not success:
            self._restart_because("liveness")
            return False
        return True

    def _unhealthy(self, probe: str, message: str) -> None:
        self._tell("Warning", "Unhealthy", f"{probe} probe failed: {message}")

    def _restart_because(self, probe: str) -> None:
        name = self.container.name
        self._tell("Normal", "Killing", f"Container {name} failed {probe} probe, will be restarted")
        grace = self.container.liveness_probe and self.container.liveness_probe.termination_grace_period_seconds
        self._spawn(self._end(float(grace) if grace else 30.0, asyncio.Event()))

    async def _exec(self, command: list[str], limit: float) -> tuple[int, str]:
        assert self._launch is not None
        return await run_command(command, self._launch, self._room.records, limit)

    async def _after_start(self, handler: LifecycleHandler) -> None:
        failure = await self._hook(handler, 30.0)
        if failure:
            self._tell("Warning", "FailedPostStartHook", failure)
            await self._end(30.0, asyncio.Event())

    async def _hook(self, handler: LifecycleHandler, limit: float) -> str:
        """Runs a hook; returns what went wrong, or ""."""
        try:
            async with asyncio.timeout(limit):
                if handler.exec is not None:
                    code, output = await self._exec(list(handler.exec.command), limit)
                    return f"command ended with {code}: {output.strip()[-500:]}" if code else ""
                if handler.sleep is not None:
                    await asyncio.sleep(handler.sleep.seconds)
                elif handler.http_get is not None:
                    get = handler.http_get
                    port = probes.port_number(get.port, self.container)
                    await probes.http_get(get.host or self._ip, port, get.path or "/")
        except TimeoutError:
            return f"not done within {limit:g} s"
        except probes.Failed as failure:
            return str(failure)
        return ""

    async def _end(self, grace: float, hurry: asyncio.Event) -> None:
        process = self._process
        if process is None or not process.alive:
            return
        deadline = asyncio.get_running_loop().time() + grace
        hooks = self.container.lifecycle
        if hooks is not None and hooks.pre_stop is not None and grace > 0 and not hurry.is_set():
            failure = await self._hook(hooks.pre_stop, grace)
            if failure:
                self._tell("Warning", "FailedPreStopHook", failure)
        if grace > 0:
            process.signal_group(signal.SIGTERM)
            left = max(0.0, deadline - asyncio.get_running_loop().time())
            await _first(process.wait(), hurry.wait(), limit=left)
        process.signal_group(signal.SIGKILL)

    async def _wait_because(self, wait: NotYet) -> None:
        """Shows why the container waits, and returns when another try may go better."""
        if self.state.get("waiting") != {"reason": wait.reason, "message": wait.message}:
            self._tell("Warning", "Failed", f"Error: {wait.reason}: {wait.message}")
        self.state = {"waiting": {"reason": wait.reason, "message": wait.message}}
        self.ready = self.started = False
        self._changed()
        seconds = max(self._room.settings.backoff_first, self._backoff.after(0.0))
        await _first(self._room.configuration.wait(), self._stopping.wait(), limit=seconds)

    async def _pause_before_restart(self, seconds: float) -> None:
        if seconds <= 0:
            return
        name = self.container.name
        message = f'back-off {seconds:g}s restarting failed container "{name}"'
        lines = self._log.last_lines(LAST_LINES) if self._log is not None else ""
        if lines:
            message += f"; its last lines:\n{lines}"
        self.state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        self._changed()
        self._tell("Warning", "BackOff", f"Back-off restarting failed container {name}")
        waits: list[Awaitable[object]] = [self._stopping.wait()]
        if not self.container.command:
            waits.append(self._room.configuration.wait())  # what its image stands for may be mended meanwhile
        await _first(*waits, limit=seconds)

    def _ended(self, process: Process, ended: Exit) -> None:
        running = self.state.get("running") or {}
        terminated: Body = {
            "exitCode": ended.code,
            "reason": "Completed" if ended.code == 0 else "Error",
            "startedAt": running.get("startedAt", now()),
            "finishedAt": now(),
            "containerID": f"mesh://{process.pid}",
        }
        if ended.signal:
            terminated["signal"] = ended.signal
        if ended.code and self._log is not None and (lines := self._log.last_lines(LAST_LINES)):
            terminated["message"] = lines
        self.state = {"terminated": terminated}
        self.last_state = {"terminated": terminated}
        self.ready = self.started = False
        self._changed()


async def _first(*waits: Awaitable[object], limit: float) -> None:
    """Waits for the first of several, at most `limit` seconds."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
