"""The image of a container that is about to start, and what its status says while there is none."""

import asyncio

from mesh.pods.container_state import CREATING, ContainerState
from mesh.pods.images.choice import IMAGE
from mesh.pods.images.container_image import ContainerImage
from mesh.pods.images.pulling import ContainerImages, Record
from mesh.pods.obstacle import NotYet
from mesh.pods.runtime.interface import Sandbox
from mesh.resources.core.pod import Container, Pod

PULL_FAILED = "ErrImagePull"
# Seconds for which a failed pull is shown as such, before it is shown as one that will be repeated.
SHOWN_FAILED = 1.0


async def bring_image(
    pod: Pod,
    container: Container,
    images: ContainerImages,
    sandbox: Sandbox,
    record: Record,
    stopping: asyncio.Event,
) -> ContainerImage | None:
    """The image that the container runs from; None for a program of this machine. Raises NotYet."""
    survivor = sandbox.survivor(container.name)
    if survivor is not None:
        return images.stored(container) if survivor == IMAGE else None
    bringing = asyncio.ensure_future(images.image(pod, container, record))
    stopped = asyncio.ensure_future(stopping.wait())
    try:
        # A pull may take minutes, and goes on for others when this container is not wanted any more.
        await asyncio.wait((bringing, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not bringing.done():
            raise NotYet(CREATING, "stopped before its image was there")
        return bringing.result()
    finally:
        stopped.cancel()
        bringing.cancel()


def back_off(state: ContainerState, image: str, obstacle: NotYet, record: Record) -> None:
    """Shows that a pull is going to be repeated, in the kubelet's words."""
    record("Normal", "BackOff", f'Back-off pulling image "{image}"')
    record("Warning", "Failed", "Error: ImagePullBackOff")
    state.wait("ImagePullBackOff", f'Back-off pulling image "{image}": {obstacle.reason}: {obstacle}')
