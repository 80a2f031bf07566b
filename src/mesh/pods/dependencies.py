"""What every pod of a mesh needs from its surroundings."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mesh.pods.concurrency import Bell
from mesh.pods.controllers.events import Recorder
from mesh.pods.controllers.objects import Objects
from mesh.pods.freezing.freezer import FrozenPods
from mesh.pods.image_programs import Images
from mesh.pods.images.pulling import ContainerImages
from mesh.pods.logs.log_files import LogFiles
from mesh.pods.pod_settings import PodSettings
from mesh.pods.runtime.interface import Runtime
from mesh.resources.core.pod import Pod

Settled = Callable[[int], Awaitable[None]]
"""Returns once Envoy has acknowledged the store's version of this number."""

Access = Callable[[Pod], Mapping[str, bytes]]
"""What a pod needs to ask the mesh's API, as files by name: token, ca.crt, namespace."""


@dataclass(frozen=True, slots=True)
class PodDependencies:
    """Passed to every pod's runner.

    `configuration_changed` rings when a ConfigMap, Secret, claim or images.yaml changes; `frozen` says which pods stand
    still on purpose.
    """

    home: Path
    settings: PodSettings
    objects: Objects
    events: Recorder
    logs: LogFiles
    runtime: Runtime
    images: Images
    container_images: ContainerImages
    settled: Settled
    access: Access
    configuration_changed: Bell = field(default_factory=Bell)
    frozen: FrozenPods = field(default_factory=FrozenPods)
