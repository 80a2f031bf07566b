"""What all pods of a mesh share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.pods.host.addresses import Block
from mesh.pods.host.census import Census
from mesh.pods.host.leftovers import Records
from mesh.pods.image_programs import Images
from mesh.pods.logs.log_files import LogFiles
from mesh.pods.pod_settings import PodSettings

Settled = Callable[[int], Awaitable[None]]
"""Returns when Envoy has acknowledged what the store's version of this number says."""


class Bell:
    """Wakes everybody who waits for the next change."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()


@dataclass(frozen=True, slots=True)
class Room:
    """Handed to every pod. `configuration` rings when a ConfigMap or Secret has changed."""

    home: Path
    settings: PodSettings
    objects: Objects
    events: Recorder
    logs: LogFiles
    census: Census
    records: Records
    block: Block
    images: Images
    settled: Settled
    configuration: Bell = field(default_factory=Bell)

    def folder(self, pod_uid: str) -> Path:
        """Where a pod's own files are."""
        return self.home / "pods" / pod_uid
