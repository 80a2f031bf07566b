"""Keeps loops running: one that ends is started again, and what happened can be read by name.

A task that dies in asyncio is silent: its exception is kept until somebody awaits it, which for a loop that should run
as long as the daemon is never. Every long-running task of the daemon is therefore started here.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from mesh.reconcile.backoff import Backoff

# Seconds: a loop that ends is started again at once, then after FIRST, doubled up to LONGEST. One that has run for
# STABLE counts as recovered.
FIRST, LONGEST, STABLE = 1.0, 30.0, 10.0

Run = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoopState:
    """How a loop is doing.

    `running` is False while it waits to be started again. `restarts` counts since the daemon's start, `failures` in a
    row since it last ran stably. `reason` says why it ended last ("" if it never did), `ended` when, in seconds since
    the epoch.
    """

    running: bool = True
    restarts: int = 0
    failures: int = 0
    reason: str = ""
    ended: float = 0.0


class Supervisor:
    """Runs loops by name. A name may be used again once its loop was stopped."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._states: dict[str, LoopState] = {}
        self._started: dict[str, float] = {}

    @property
    def states(self) -> Mapping[str, LoopState]:
        """Every loop that should be running, by name."""
        return {name: self._state(name) for name in sorted(self._tasks)}

    def problems(self) -> list[str]:
        """A line for each loop that does not run stably, for a health check or a status."""
        return [
            f"{name}: {'failed repeatedly' if state.running else 'waiting to be restarted'}"
            f" ({state.failures} in a row): {state.reason}"
            for name, state in self.states.items()
            if not state.running or state.failures > 1
        ]

    def start(self, name: str, run: Run) -> None:
        """Runs `run()`, and again whenever it ends, until it is stopped. Raises ValueError if the name is in use."""
        if name in self._tasks:
            raise ValueError(f"a loop named {name!r} is already running")
        self._states[name] = LoopState()
        self._tasks[name] = asyncio.create_task(self._keep(name, run), name=name)

    async def stop(self, *names: str) -> None:
        """Cancels loops and waits until they have ended. Names that are not running are ignored."""
        tasks = [task for name in names if (task := self._tasks.pop(name, None)) is not None]
        for name in names:
            self._states.pop(name, None)
            self._started.pop(name, None)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Stops all loops."""
        await self.stop(*self._tasks)

    def _state(self, name: str) -> LoopState:
        state = self._states[name]
        if state.running and self._clock() - self._started.get(name, self._clock()) >= STABLE:
            return replace(state, failures=0)
        return state

    async def _keep(self, name: str, run: Run) -> None:
        backoff = Backoff(FIRST, LONGEST, STABLE)
        while True:
            begun = self._started[name] = self._clock()
            reason = await self._run_once(name, run)
            ran = self._clock() - begun
            state = self._states[name]
            failures = 1 if ran >= STABLE else state.failures + 1
            self._states[name] = LoopState(False, state.restarts, failures, reason, time.time())
            await self._sleep(backoff.after(ran))
            self._states[name] = replace(self._states[name], running=True, restarts=state.restarts + 1)

    async def _run_once(self, name: str, run: Run) -> str:
        """Returns why the loop ended; raises CancelledError only when the supervisor stops it."""
        try:
            await run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            log.error("%s: was cancelled from inside; starting it again", name)
            return "it was cancelled"
        except Exception as error:
            log.exception("%s: ended unexpectedly; starting it again", name)
            return f"{type(error).__name__}: {error}"
        log.error("%s: returned, but should run until it is stopped; starting it again", name)
        return "it returned"
