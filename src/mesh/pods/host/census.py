"""Finds processes of pods that have left their process group; concurrent requests share one scan of /proc."""

import asyncio
import signal
from pathlib import Path

from mesh.pods.host.pod_processes import PodProcess, pod_processes
from mesh.procfs import send

ATTEMPTS = 5
"""Scans before giving up on a pod that starts processes faster than they are killed."""


class Census:
    """Scans /proc in a thread. A request during a scan gets the result of the next one, which it shares."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._running: asyncio.Task[list[PodProcess]] | None = None
        self._next: asyncio.Task[list[PodProcess]] | None = None

    async def processes(self, pod_uid: str, container: str | None = None) -> list[PodProcess]:
        """The living processes of a pod, or of one of its containers."""
        # A scan that is under way may have passed the pids that this request is about, so it waits for a new one.
        if self._next is None:
            self._next = asyncio.create_task(self._scan(self._running))
        everything = await asyncio.shield(self._next)
        return [p for p in everything if p.pod_uid == pod_uid and container in (None, p.container)]

    async def kill(self, pod_uid: str, container: str | None = None) -> None:
        """Kills what is left of a pod or container."""
        for _ in range(ATTEMPTS):
            remaining = await self.processes(pod_uid, container)
            if not remaining:
                return
            for owned in remaining:
                send(owned.process, signal.SIGKILL)

    async def _scan(self, previous: asyncio.Task[list[PodProcess]] | None) -> list[PodProcess]:
        if previous is not None:
            await asyncio.wait([previous])
        else:
            await asyncio.sleep(0)
        self._running, self._next = self._next, None
        return await asyncio.to_thread(lambda: list(pod_processes(self._home)))
