"""Freezes pods: all their processes stand still together, for a bounded time, and continue whatever happens.

Who continues them: the watchdog, when the copy is made, when the time is over, or when the daemon is gone; the daemon,
when the watchdog is gone; and the next daemon, when both were killed: the home has a file for each freeze under way.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mesh.pods.freezing import watchdog
from mesh.procfs import HostProcess

# Seconds that the watchdog has, beyond the limit itself, to say that it is over.
ANSWER_LIMIT = 10.0
# Seconds for which a failed probe is not held against a pod that has just been continued: it has to catch up.
RECOVERY = 5.0
WATCHDOG = (sys.executable, "-I", "-S", "-E", watchdog.__file__)


class FreezeError(Exception):
    """The pods could not be frozen, or not for long enough; they run."""


@dataclass(slots=True)
class Freeze:
    """A freeze that is under way: the processes that stand still, and for how many seconds at most."""

    limit: float
    pids: tuple[int, ...] = ()
    begun: float = field(default_factory=time.monotonic)
    milliseconds: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the pods may run again by now: what is copied from here on is worthless."""
        return time.monotonic() - self.begun >= self.limit


class FrozenPods:
    """Which pods are frozen or were a moment ago: their probes' failures are nobody's fault."""

    def __init__(self) -> None:
        self._frozen: dict[str, int] = {}
        self._ended: dict[str, float] = {}

    @contextmanager
    def during(self, uids: Collection[str]) -> Iterator[None]:
        for uid in uids:
            self._frozen[uid] = self._frozen.get(uid, 0) + 1
        try:
            yield
        finally:
            for uid in uids:
                self._ended[uid] = time.monotonic()
                self._frozen[uid] -= 1
                if not self._frozen[uid]:
                    del self._frozen[uid]

    def excuses(self, uid: str) -> bool:
        """Whether a check that has just failed may have failed because the pod stood still."""
        if uid in self._frozen:
            return True
        ended = self._ended.get(uid)
        if ended is None:
            return False
        if time.monotonic() - ended < RECOVERY:
            return True
        del self._ended[uid]
        return False


class Freezer:
    """Freezes processes of one home's pods."""

    def __init__(self, home: Path, pods: FrozenPods) -> None:
        self._folder = home / "run" / "frozen"
        self._pods = pods
        self._count = 0

    async def recover(self) -> None:
        """Continues what a former daemon and its watchdog have left standing."""
        for record in sorted(self._folder.glob("*.json")):
            with suppress(OSError, ValueError):
                leaders = [(int(pid), int(started)) for pid, started in json.loads(record.read_text())]
                await asyncio.to_thread(watchdog.resume_all, leaders)
            record.unlink(missing_ok=True)

    @asynccontextmanager
    async def frozen(
        self, uids: Collection[str], leaders: Collection[HostProcess], limit: float
    ) -> AsyncIterator[Freeze]:
        """Everything within runs while the pods with these first processes stand still, `limit` seconds at most.

        Raises FreezeError when they cannot be stopped, before anything within runs, or at the end when they were
        continued before it.
        """
        if not leaders:
            yield Freeze(float("inf"))
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._count += 1
        record = self._folder / f"{os.getpid()}-{self._count}.json"
        pairs = [(process.pid, process.started) for process in leaders]
        record.write_text(json.dumps(pairs))
        with self._pods.during(uids):
            process = await asyncio.create_subprocess_exec(
                *WATCHDOG, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
            )
            try:
                freeze = await self._begin(process, pairs, limit)
                try:
                    yield freeze
                finally:
                    answer = await self._end(process, pairs)
                    freeze.milliseconds = float(str(answer.get("milliseconds", freeze.milliseconds)))
                if answer.get("expired") or not answer:
                    raise FreezeError(f"they stood still for {limit:g} s, which is the limit, and were resumed")
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
                record.unlink(missing_ok=True)

    async def _begin(self, process: asyncio.subprocess.Process, leaders: list[tuple[int, int]], limit: float) -> Freeze:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"leaders": leaders, "limit": limit}).encode() + b"\n")
        begun = time.monotonic()
        answer = await self._answer(process, limit)
        pids = answer.get("stopped")
        if not isinstance(pids, list):
            await asyncio.to_thread(watchdog.resume_all, leaders)
            raise FreezeError(str(answer.get("error", "the watchdog ended")))
        return Freeze(limit, tuple(map(int, pids)), begun)

    async def _end(self, process: asyncio.subprocess.Process, leaders: list[tuple[int, int]]) -> dict[str, object]:
        """Has the processes continued; {} when the watchdog has not lived to do it."""
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(b"\n")
        answer = await self._answer(process, 0.0)
        if "expired" not in answer:
            await asyncio.to_thread(watchdog.resume_all, leaders)
        return answer

    async def _answer(self, process: asyncio.subprocess.Process, limit: float) -> dict[str, object]:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(limit + ANSWER_LIMIT):
                line = await process.stdout.readline()
        except TimeoutError:
            return {}
        try:
            answer: dict[str, object] = json.loads(line)
        except ValueError:
            return {}
        return answer


Quieten = Callable[[bool], Awaitable[None]]
"""Has Envoy set no endpoint aside (True), or do so again (False)."""


@asynccontextmanager
async def quiet(quieten: Quieten) -> AsyncIterator[None]:
    """Within, Envoy sets no endpoint aside (outlier detection): it would take a frozen pod for a broken one."""
    await quieten(True)
    try:
        yield
    finally:
        await quieten(False)
