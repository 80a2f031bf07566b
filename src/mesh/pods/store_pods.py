"""What a branch's data needs of pods: that they stand still together, and that commands run in them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mesh.pods.freezing.freezer import Freeze, Freezer, Quieten, quiet
from mesh.pods.pod import PodRunner
from mesh.pods.runtime.interface import CommandResult, StartError
from mesh.pods.storage.volumes import source_of_claim
from mesh.procfs import HostProcess, start_time
from mesh.resources.core.pod import Pod
from mesh.store import Store


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

    async def open(self, uid: str, command: Sequence[str]) -> tuple[AsyncIterator[bytes], Callable[[], Awaitable[int]]]:
        """Starts a command in a pod's first container: the lines that it writes, and what waits for its exit code.

        Raises StartError when the pod does not run.
        """
        runner = self._find(uid)
        container = runner.container(runner.pod.spec.containers[0].name) if runner is not None else None
        run = container.current if container is not None else None
        if run is None:
            raise StartError("the pod is not running")
        streams = await run.sandbox.open(run.spec, command, stdin=False, tty=False)

        async def ended() -> int:
            code = await streams.wait()
            await streams.close()
            return code

        return _lines(streams.stdout()), ended

    def volume(self, store: Store, pod: Pod, name: str) -> Path:
        """Where a volume of a pod lies on this machine. Raises ConfigError for a claim that has none."""
        for volume in pod.spec.volumes:
            if volume.name == name and volume.persistent_volume_claim is not None:
                claim = str(volume.persistent_volume_claim.get("claimName", ""))
                return Path(source_of_claim(store, pod.metadata.namespace, claim).path)
        return self.folder(pod.metadata.uid or "", name)

    def _leaders(self, uid: str) -> list[HostProcess]:
        """The first process of each container of a pod."""
        runner = self._find(uid)
        if runner is None:
            return []
        names = [container.name for container in (*runner.pod.spec.init_containers, *runner.pod.spec.containers)]
        runs = [container.current for name in names if (container := runner.container(name)) is not None]
        pids = [run.process.pid for run in runs if run is not None and run.process.alive]
        return [HostProcess(pid, started) for pid in pids if (started := start_time(pid)) is not None]


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What comes in pieces, line by line, without the line ends."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest
