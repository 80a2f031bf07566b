"""What a branch's data needs of pods: that they stand still together, and that commands run in them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mesh.pods.freezing.freezer import Freeze, Freezer, Quieten, quiet
from mesh.pods.pod import PodRunner
from mesh.pods.runtime.interface import CommandResult
from mesh.procfs import HostProcess, start_time


class StorePods:
    """The pods of a manager, by uid."""

    def __init__(self, home: Path, find: Callable[[str], PodRunner | None], freezer: Freezer) -> None:
        self.claims = home / "claims"
        self.snapshots = home / "snapshots"
        self._home = home
        self._find = find
        self._freezer = freezer
        self._one_at_a_time = asyncio.Lock()

    def folder(self, uid: str, volume: str) -> Path:
        """Where a volume lies that is the pod's own (emptyDir)."""
        return self._home / "pods" / uid / "volumes" / volume

    @asynccontextmanager
    async def frozen(self, uids: Collection[str], limit: float, quieten: Quieten) -> AsyncIterator[Freeze]:
        """Within, nothing in these pods runs, for `limit` seconds at most. Raises FreezeError.

        One freeze at a time: two of the same pods would continue each other's.
        """
        async with self._one_at_a_time, quiet(quieten):
            leaders = [process for uid in uids for process in self._leaders(uid)]
            async with self._freezer.frozen(uids, leaders, limit) as freeze:
                yield freeze

    async def run(self, uid: str, command: Sequence[str], limit: float) -> CommandResult:
        """Runs a command in a pod's first container. Exit code 127 when it does not run. Raises TimeoutError."""
        runner = self._find(uid)
        container = runner.container(runner.pod.spec.containers[0].name) if runner is not None else None
        run = container.current if container is not None else None
        if run is None:
            return CommandResult(127, "the pod is not running")
        return await run.sandbox.run(run.spec, command, limit)

    def _leaders(self, uid: str) -> list[HostProcess]:
        """The first process of each container of a pod."""
        runner = self._find(uid)
        if runner is None:
            return []
        names = [container.name for container in (*runner.pod.spec.init_containers, *runner.pod.spec.containers)]
        runs = [container.current for name in names if (container := runner.container(name)) is not None]
        pids = [run.process.pid for run in runs if run is not None and run.process.alive]
        return [HostProcess(pid, started) for pid in pids if (started := start_time(pid)) is not None]
