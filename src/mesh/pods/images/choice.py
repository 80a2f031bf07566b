"""Which containers run from their image, and which as programs of this machine. Pure.

A program of this machine is what a mapping (images.yaml) names, and a `command` that this machine has. Everything else
runs from its image. `meshmall.dev/run-from: image` (or `machine`) on the pod decides where that is not what is meant.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from mesh.resources.core.ephemeral_container import EphemeralContainer
from mesh.resources.core.pod import Container, Pod
from mesh.resources.meshmall.branch import CODE_CONTAINER, GROUP

RUN_FROM = f"{GROUP}/run-from"
IMAGE: Literal["image"] = "image"
MACHINE: Literal["machine"] = "machine"
Way = Literal["image", "machine"]
Mode = Literal["auto", "always", "never"]
"""Of the mesh: `always` as on a cluster, except for mapped images; `never` as if there were no images."""


class ImageSettings(NamedTuple):
    """`unused_for`: seconds after which an image that no pod uses is removed."""

    mode: Mode
    unused_for: float = 14 * 24 * 3600.0


NO_IMAGES = ImageSettings("never")


def mode_of(text: str) -> Mode:
    """The mode of that name; a home of another version may name one that is not known."""
    return "always" if text == "always" else "never" if text == "never" else "auto"


def way(
    pod: Pod,
    container: Container,
    mode: Mode,
    *,
    is_mapped: Callable[[Container], bool],
    is_stored: Callable[[Container], bool],
    is_program: Callable[[str], bool],
) -> Way:
    """Where a container runs.

    is_mapped: whether a mapping names a program for its image. is_stored: whether its image has been pulled or loaded.
    is_program: whether this machine has a program of that name or path.
    """
    if mode == "never" or not container.image:
        return MACHINE
    stated = (pod.metadata.annotations or {}).get(RUN_FROM, "")
    if stated in (IMAGE, MACHINE):
        return IMAGE if stated == IMAGE else MACHINE
    if is_mapped(container) or _has_local_code(pod, container):
        return MACHINE
    if not container.command or isinstance(container, EphemeralContainer) or mode == "always":
        return IMAGE
    if is_stored(container) or not is_program(container.command[0]):
        return IMAGE
    # A container beside one that can only come from its image was written for its image, too.
    others = (*pod.spec.init_containers, *pod.spec.containers)
    alike = any(not other.command and other.image and not is_mapped(other) for other in others)
    return IMAGE if alike else MACHINE


def _has_local_code(pod: Pod, container: Container) -> bool:
    """Whether a branch replaces its code by a folder of this machine (`branch create --dir`)."""
    return (pod.metadata.annotations or {}).get(CODE_CONTAINER) == container.name


def pull_policy(container: Container, tag: str, digest: str) -> str:
    """Kubernetes' imagePullPolicy with its default: Always for the tag latest and for none, otherwise IfNotPresent."""
    if container.image_pull_policy:
        return container.image_pull_policy
    return "Always" if tag == "latest" and not digest else "IfNotPresent"
