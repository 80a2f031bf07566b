"""Brings changed ConfigMaps, Secrets, labels and annotations into the volumes of a pod that runs.

The kubelet looks once a minute; here the store's events say when. A `subPath` keeps what it was mounted with, and
variables keep their values, as on Kubernetes.
"""

import asyncio
import logging

from mesh.pods.concurrency import cancel_all
from mesh.pods.dependencies import PodDependencies
from mesh.pods.images.choice import IMAGE
from mesh.pods.invocation import volume_sources
from mesh.pods.runtime.interface import Sandbox
from mesh.pods.volumes import has_changing_volumes, refresh_volumes
from mesh.resources.core.pod import Pod
from mesh.store import Stored

_LOG = logging.getLogger(__name__)


class VolumeUpdates:
    """Follows the configuration of one pod until `stop`. Costs nothing for pods without such volumes."""

    def __init__(self, pod: Pod, sandbox: Sandbox, dependencies: PodDependencies) -> None:
        self._pod = pod
        self._sandbox = sandbox
        self._dependencies = dependencies
        self._tasks = [asyncio.create_task(self._follow())] if has_changing_volumes(pod) else []

    def pod_changed(self, stored: Stored) -> None:
        """Takes a newer version of the pod, whose labels and annotations downwardAPI volumes show."""
        metadata, current = stored.metadata, self._pod.metadata
        if (metadata.get("labels") or {}) != current.labels or (metadata.get("annotations") or {}) != (
            current.annotations
        ):
            self._pod = stored.typed
            if self._tasks:
                self._refresh()

    async def stop(self) -> None:
        """Idempotent."""
        tasks, self._tasks = self._tasks, []
        await cancel_all(tasks)

    async def _follow(self) -> None:
        while True:
            await self._dependencies.configuration_changed.wait()
            self._refresh()

    def _refresh(self) -> None:
        # A volume belongs to the first container's user, whichever container mounts it.
        first = (*self._pod.spec.init_containers, *self._pod.spec.containers)[0]
        from_image = self._dependencies.container_images.way(self._pod, first) == IMAGE
        sources = volume_sources(self._pod, first, self._sandbox, self._dependencies, from_image=from_image)
        try:
            refresh_volumes(self._pod, self._sandbox.folder, sources)
        except OSError as error:
            # A full disk, for example: the volume keeps its former state, and the next change tries again.
            _LOG.warning("pod %s: its volumes are not up to date: %s", self._pod.metadata.name, error)
