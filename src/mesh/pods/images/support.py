"""Whether containers can run from images, which depends on how the mesh runs its pods."""

from typing import NamedTuple

NO_IMAGES = (
    "pods share the machine's files in loopback mode, so no container can run from its image; "
    "with namespaces they can: meshmall down; meshmall up --network namespaces"
)


class ImageSupport(NamedTuple):
    """Whether containers can run from images here: why not, or "". `is_flat`: all files of an image have one owner."""

    why_not: str = ""
    is_flat: bool = False
