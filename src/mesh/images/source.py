"""Where an image comes from, as whoever unpacks it sees it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from mesh.images.manifest import Descriptor

Progress = Callable[[str, int, int], None]
"""Digest of a layer, bytes that have come, bytes in all."""


class FoundImage(NamedTuple):
    """`layers` are blobs, the lowest first, with the digests of their archives; `config` is the document itself."""

    digest: str
    manifest: bytes
    config_digest: str
    config: bytes
    layers: tuple[tuple[Descriptor, str], ...]


class Source(Protocol):
    """A registry, an archive or a folder. Its methods raise ImageError."""

    name: str
    """For people: "registry.example", "/tmp/shop.tar"."""

    def image(self) -> FoundImage:
        """Finds the image, for this machine's platform."""
        ...

    def blob(self, layer: Descriptor, progress: Progress) -> AbstractContextManager[Path]:
        """A file with a layer's blob."""
        ...
