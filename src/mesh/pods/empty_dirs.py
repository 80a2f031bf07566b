"""Watches emptyDir volumes with a sizeLimit: a pod that exceeds one is evicted, as the kubelet does it."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from mesh.pods.pod_settings import PodSettings
from mesh.pods.runtime.interface import Sandbox
from mesh.resources.core.pod import Pod
from mesh.resources.values.quantities import quantity

BLOCK = 512
"""The unit of st_blocks (stat(2)), whatever the file system's own is."""


def size_limits(pod: Pod) -> Mapping[str, str]:
    """The limits of a pod's emptyDir volumes, as they are written, by the volume's name."""
    return {
        volume.name: str(volume.empty_dir.size_limit)
        for volume in pod.spec.volumes
        if volume.empty_dir is not None and volume.empty_dir.size_limit is not None
    }


async def end_of(pod: Pod, completed: asyncio.Event, sandbox: Sandbox, settings: PodSettings) -> tuple[str, str]:
    """Returns once `completed` is set, or before that when the pod is evicted: then with the reason and the message."""
    if not size_limits(pod):
        await completed.wait()
        return "", ""
    full = asyncio.create_task(exceeded(pod, sandbox.folder, settings.volumes_every))
    ended = asyncio.create_task(completed.wait())
    try:
        await asyncio.wait([ended, full], return_when=asyncio.FIRST_COMPLETED)
        return ("Evicted", full.result()) if full.done() and not ended.done() else ("", "")
    finally:
        full.cancel()
        ended.cancel()
        await asyncio.gather(full, ended, return_exceptions=True)


async def exceeded(pod: Pod, folder: Path, every: float) -> str:
    """Returns once a volume is larger than it may be, with the message of the eviction.

    `folder` is the pod's. The files are counted every `every` seconds, in a thread: there may be many.
    """
    limits = size_limits(pod)
    while True:
        await asyncio.sleep(every)
        for name, limit in limits.items():
            used = await asyncio.to_thread(disk_usage, folder / "volumes" / name)
            if used > quantity(limit):
                return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '


def disk_usage(folder: Path) -> int:
    """The bytes that the files in a folder occupy; what vanishes meanwhile does not count."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * BLOCK  # noqa: PTH118 - many files
            except OSError:
                continue
    return total
