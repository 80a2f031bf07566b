"""What every pod of a mesh needs from its surroundings."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from mesh.pods.concurrency import Bell
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.pods.image_programs import Images
from mesh.pods.logs.log_files import LogFiles
from mesh.pods.pod_settings import PodSettings
from mesh.pods.runtime.interface import Runtime

Settled = Callable[[int], Awaitable[None]]
"""Returns once Envoy has acknowledged the store's version of this number."""


@dataclass(frozen=True, slots=True)
class PodDependencies:
    """Passed to every pod's runner. `configuration_changed` rings when a ConfigMap, Secret or images.yaml changes."""

    home: Path
    settings: PodSettings
    objects: Objects
    events: Recorder
    logs: LogFiles
    runtime: Runtime
    images: Images
    settled: Settled
    configuration_changed: Bell = field(default_factory=Bell)
