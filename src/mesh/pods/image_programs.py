"""What a container runs when its manifest names only an image.

There is no container engine here, so nothing is ever pulled: the ConfigMap `meshmall-images` of the pod's namespace,
and after it `$MESHMALL_HOME/images.yaml`, say which programs of this machine run in place of which images.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mesh.resources.core.config import ConfigMap
from mesh.resources.validation.image_map import CONFIG_MAP, KEY, LARGEST, ImageMapping, first_match, read_images
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import Ref
from mesh.store import Store

ARGUMENTS = "$(ARGS)"
Signature = tuple[int, int, int, int]


class ImagesError(Exception):
    """A mapping of images cannot be read: which, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ImageProgram:
    """What runs in place of an image: entry point, arguments, environment and folder, as in an image's own config."""

    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""

    def words(self, arguments: Sequence[str]) -> list[str]:
        """The command line for a container with these `args`."""
        if ARGUMENTS not in (*self.entrypoint, *self.arguments):
            return [*self.entrypoint, *(arguments or self.arguments)]
        words: list[str] = []
        for word in (*self.entrypoint, *self.arguments):
            words += arguments if word == ARGUMENTS else [word]
        return words


class Images(Protocol):
    """Finds the program of an image."""

    def resolve(self, image: str, namespace: str) -> ImageProgram | None:
        """The image's program for pods of a namespace, None when none is registered. Raises ImagesError."""
        ...


class LocalImages:
    """Looks in the namespace's ConfigMap, then in the home's file."""

    def __init__(self, store: Store, home: Path) -> None:
        self._store = store
        self._file = ImagesFile(home / KEY)

    def resolve(self, image: str, namespace: str) -> ImageProgram | None:
        stored = self._store.get(Ref("", "ConfigMap", namespace, CONFIG_MAP))
        config: ConfigMap | None = self._store.typed(stored) if stored is not None else None
        if stored is not None and config is not None:
            mapping = first_match(_read(config.data.get(KEY, ""), f"{stored.ref}: data[{KEY}]"), image)
            if mapping is not None:
                return _program(mapping, Path("/"))
        mapping = first_match(self._file.mappings(), image)
        return None if mapping is None else _program(mapping, self._file.folder)

    def changed(self) -> bool:
        """Whether the file has changed since the last call."""
        return self._file.changed()

    def problem(self) -> str:
        """What is wrong with the file; "" when nothing is."""
        try:
            self._file.mappings()
        except ImagesError as error:
            return str(error)
        return ""


class ImagesFile:
    """A file of mappings, read again when it has changed. A missing file has no mappings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._signature()
        self._read: tuple[Signature | None, list[ImageMapping]] = (None, [])

    @property
    def folder(self) -> Path:
        """What relative folders in it are relative to: its own folder, symbolic links resolved."""
        return self.path.resolve().parent

    def mappings(self) -> list[ImageMapping]:
        """The mappings in the file now. Raises ImagesError."""
        signature = self._signature()
        if signature is None:
            return []
        if self._read[0] != signature:
            if not self.path.is_file() or signature[1] > LARGEST:
                raise ImagesError(f"{self.path}: is not a file of at most {LARGEST} bytes")
            try:
                text = self.path.read_text()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
                raise ImagesError(f"{self.path}: {reason}") from None
            self._read = (signature, _read(text, str(self.path)))
        return self._read[1]

    def changed(self) -> bool:
        """Whether it has changed since the last call."""
        before, self._seen = self._seen, self._signature()
        return self._seen != before

    def _signature(self) -> Signature | None:
        try:
            status = os.stat(self.path)  # noqa: PTH116 - called twice a second, and Path.stat is slower
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def _read(text: str, source: str) -> list[ImageMapping]:
    try:
        return read_images(text)
    except Invalid as error:
        raise ImagesError("; ".join(f"{source}: {problem}" for problem in error.errors)) from None


def _program(mapping: ImageMapping, folder: Path) -> ImageProgram:
    """`folder` is what a relative `workingDir` is relative to."""
    working_dir = str(folder / mapping.working_dir) if mapping.working_dir else ""
    return ImageProgram(tuple(mapping.command), tuple(mapping.args), mapping.env, working_dir)
