"""Finds processes of pods that have left their group, for many askers at the price of one look at /proc."""

import asyncio
import signal
from pathlib import Path

from mesh.pods.host.procfs import Marked, marked, send


class Census:
    """Looks through /proc in a thread. Who asks while a look is under way gets the next one, shared."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._running: asyncio.Task[list[Marked]] | None = None
        self._next: asyncio.Task[list[Marked]] | None = None

    async def of(self, pod_uid: str, container: str | None = None) -> list[Marked]:
        """The living processes of a pod, or of one of its containers."""
        if self._next is None:
            self._next = asyncio.create_task(self._look(self._running))
        everyone = await asyncio.shield(self._next)
        return [p for p in everyone if p.pod_uid == pod_uid and container in (None, p.container)]

    async def end(self, pod_uid: str, container: str | None = None) -> int:
        """Kills what is left of a pod or container; returns how many processes that were."""
        ended: set[Marked] = set()
        for _ in range(5):
            found = await self.of(pod_uid, container)
            if not found:
                break
            for process in found:
                send(process, signal.SIGKILL)
            ended.update(found)
        return len(ended)

    async def _look(self, before: asyncio.Task[list[Marked]] | None) -> list[Marked]:
        if before is not None:
            await asyncio.wait([before])
        else:
            await asyncio.sleep(0)
        self._running, self._next = self._next, None
        return await asyncio.to_thread(lambda: list(marked(self._home)))
