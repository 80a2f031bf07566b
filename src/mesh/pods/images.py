"""What a container runs when its manifest names only an image.

There is no container engine here, so nothing is ever pulled; a mesh may know programs for some images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ImageProgram:
    """What an image stands for: its entry point, arguments, environment and folder, as an image's own config."""

    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""


class Images(Protocol):
    """Finds the program of an image."""

    def resolve(self, image: str) -> ImageProgram | None:
        """The image's program, or None when the mesh knows none."""
        ...


class NoImages:
    """Knows no image: every container must say its command."""

    def resolve(self, image: str) -> ImageProgram | None:
        return None
