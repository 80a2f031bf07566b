"""Images in files: `docker save` archives, OCI layouts as folders and as archives.

Sources: OCI image-spec v1.1, image-layout.md; Docker's image specification v1.2, "Combined Image JSON + Filesystem
Changeset Format" (manifest.json). An archive that is compressed as a whole is decompressed first.
"""

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import msgspec

from mesh.images.errors import BadContent, BadReference, ImageError, NotFound, StoreFailed, TooLarge
from mesh.images.limits import Limits
from mesh.images.manifest import (
    INDEXES,
    Descriptor,
    ImageConfig,
    Index,
    Platform,
    choose,
    decode,
    digest_of,
    media_type_of,
    read_config,
    read_manifest,
    verify,
)
from mesh.images.reference import Reference
from mesh.images.source import FoundImage, Progress
from mesh.images.unpack.stream import LayerStream

MOST_FILES = 20_000
MOST_LINKS = 4
NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class Files(Protocol):
    """The files of an archive or a folder, by their relative names."""

    name: str

    def read(self, path: str, largest: int) -> bytes:
        """Raises NotFound and TooLarge."""
        ...

    def copy(self, path: str, target: Path, largest: int) -> Path:
        """A file's content as a file: the file itself, or a copy at `target`."""
        ...


class FolderFiles:
    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def read(self, path: str, largest: int) -> bytes:
        with self._opened(path) as stream:
            data = stream.read(largest + 1)
        if len(data) > largest:
            raise TooLarge(f"{self.name}: {path}: has more than {largest} bytes")
        return data

    def copy(self, path: str, target: Path, largest: int) -> Path:
        with self._opened(path):
            return self._folder / path

    def _opened(self, path: str) -> IO[bytes]:
        if ".." in path.split("/") or path.startswith("/"):
            raise BadContent(f'{self.name}: "{path}" leads out of it')
        try:
            return (self._folder / path).open("rb")
        except OSError as error:
            raise NotFound(f"{self.name}: {path}: {error.strerror}") from None


class ArchiveFiles:
    """A tar archive that is read at any place. Nothing of it is extracted under a name that it chooses."""

    def __init__(self, name: str, archive: tarfile.TarFile) -> None:
        self.name = name
        self._archive = archive
        self._members: dict[str, tarfile.TarInfo] = {}
        try:
            while (member := archive.next()) is not None:
                if len(self._members) >= MOST_FILES:
                    raise TooLarge(f"{name}: has more than {MOST_FILES} files")
                self._members[member.name.removeprefix("./")] = member
        except (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError) as error:
            raise BadContent(f"{name}: is not an archive that can be read: {error}") from None

    def read(self, path: str, largest: int) -> bytes:
        member = self._member(path)
        if member.size > largest:
            raise TooLarge(f"{self.name}: {path}: has {member.size} bytes; at most {largest}")
        with self._opened(member, path) as stream:
            return stream.read(largest)

    def copy(self, path: str, target: Path, largest: int) -> Path:
        member = self._member(path)
        if member.size > largest:
            raise TooLarge(f"{self.name}: {path}: has {member.size} bytes; at most {largest}")
        try:
            with self._opened(member, path) as stream, target.open("wb") as copy:
                shutil.copyfileobj(stream, copy, 1 << 20)
        except tarfile.ReadError as error:
            raise BadContent(f"{self.name}: {path}: {error}") from None
        except OSError as error:
            raise StoreFailed(f"{target}: {error.strerror}") from None
        return target

    def _member(self, path: str) -> tarfile.TarInfo:
        for _ in range(MOST_LINKS):
            member = self._members.get(path)
            if member is None:
                break
            if not (member.issym() or member.islnk()):
                return member
            # `docker save` writes a layer that two images share once, and links to it.
            base = path if member.issym() else ""
            path = os.path.normpath(f"{base}/../{member.linkname}" if base else member.linkname)
        raise NotFound(f"{self.name}: {path}: is not in the archive")

    def _opened(self, member: tarfile.TarInfo, path: str) -> IO[bytes]:
        stream = self._archive.extractfile(member)
        if stream is None:
            raise BadContent(f"{self.name}: {path}: is not a file")
        return stream


class LocalImage(NamedTuple):
    """An image in files: the name that it has there, or "", and how it is read."""

    name: str
    found: FoundImage
    paths: tuple[str, ...]


class LocalSource:
    """`mesh.images.source.Source` of one image in files."""

    def __init__(self, files: Files, image: LocalImage, workspace: Path, limits: Limits) -> None:
        self.name = files.name
        self._files = files
        self._image = image
        self._workspace = workspace
        self._limits = limits
        self._paths = {layer.digest: path for (layer, _), path in zip(image.found.layers, image.paths, strict=True)}

    def image(self) -> FoundImage:
        return self._image.found

    @contextmanager
    def blob(self, layer: Descriptor, progress: Progress) -> Iterator[Path]:
        copy = self._workspace / f"blob-{layer.digest.removeprefix('sha256:')}"
        path = self._files.copy(self._paths[layer.digest], copy, self._limits.layer_bytes)
        progress(layer.digest, layer.size, layer.size)
        try:
            yield path
        finally:
            copy.unlink(missing_ok=True)


@contextmanager
def opened(path: Path, workspace: Path, limits: Limits) -> Iterator[Files]:
    """The files of a folder, an archive, or a compressed archive. Raises ImageError, which names it."""
    if path.is_dir():
        yield FolderFiles(path)
        return
    plain = path
    try:
        with path.open("rb") as stream:
            head = stream.read(6)
            if head[:2] == b"\x1f\x8b" or head[:4] == b"\x28\xb5\x2f\xfd":
                stream.seek(0)
                plain = workspace / "archive"
                _decompress(stream, plain, limits, str(path))
        with tarfile.open(plain, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
            yield ArchiveFiles(str(path), archive)
    except tarfile.TarError as error:
        raise BadContent(f"{path}: is neither an OCI layout nor a docker save archive: {error}") from None
    except OSError as error:
        raise StoreFailed(f"{error.filename or path}: {error.strerror}") from None
    finally:
        if plain != path:
            with suppress(OSError):
                plain.unlink()


def images_in(files: Files, platform: Platform, limits: Limits) -> list[LocalImage]:
    """Every image, once for each of its names. Raises ImageError, NotFound when it is no image at all."""
    try:
        listed = files.read("manifest.json", limits.manifest)
    except NotFound:
        return _of_layout(files, platform, limits)
    return _of_docker(files, listed, limits)


class _Saved(msgspec.Struct, rename="pascal"):
    config: str
    layers: list[str] = []
    repo_tags: list[str] | None = None


def _of_docker(files: Files, listed: bytes, limits: Limits) -> list[LocalImage]:
    images = []
    for saved in decode(listed, list[_Saved], f"{files.name}: manifest.json"):
        if len(saved.layers) > limits.layers:
            raise TooLarge(f"{files.name}: has {len(saved.layers)} layers; at most {limits.layers} are possible")
        data = files.read(saved.config, limits.config)
        config = decode(data, ImageConfig, f"{files.name}: {saved.config}")
        if len(config.rootfs.diff_ids) != len(saved.layers):
            raise BadContent(f"{files.name}: {saved.config}: does not have a diff_id for each layer")
        # Such an archive has no digests of blobs; those of the archives within are as good.
        layers = tuple((Descriptor(diff, 0), diff) for diff in config.rootfs.diff_ids)
        found = FoundImage(digest_of(data), b"", digest_of(data), data, layers)
        images += [LocalImage(name, found, tuple(saved.layers)) for name in saved.repo_tags or [""]]
    return images


class _Named(msgspec.Struct):
    digest: str
    annotations: dict[str, str] = {}


class _NamedIndex(msgspec.Struct):
    manifests: list[_Named] = []


def _of_layout(files: Files, platform: Platform, limits: Limits) -> list[LocalImage]:
    try:
        data = files.read("index.json", limits.manifest)
    except NotFound:
        raise NotFound(f"{files.name}: has neither index.json nor manifest.json: it is no image") from None
    subject = f"{files.name}: index.json"
    images = []
    names = {entry.digest: entry.annotations for entry in decode(data, _NamedIndex, subject).manifests}
    entries = decode(data, Index, subject).manifests
    if not entries:
        raise NotFound(f"{subject}: lists no image")
    chosen = entries if len({entry.platform for entry in entries}) == 1 else [choose(Index(entries), platform, subject)]
    for entry in chosen:
        found = _layout_image(files, entry, platform, limits)
        annotations = names.get(entry.digest, {})
        name = next((annotations[key] for key in NAME_ANNOTATIONS if annotations.get(key)), "")
        paths = tuple(_blob_path(layer.digest) for layer, _ in found.layers)
        images.append(LocalImage(name, found, paths))
    return images


def _layout_image(files: Files, entry: Descriptor, platform: Platform, limits: Limits) -> FoundImage:
    for _ in range(3):
        data = files.read(_blob_path(entry.digest), limits.manifest)
        subject = f"{files.name}: {entry.digest}"
        verify(data, entry.digest, subject)
        if media_type_of(data, entry.media_type, subject) not in INDEXES:
            break
        entry = choose(decode(data, Index, subject), platform, subject)
    manifest = read_manifest(data, subject, limits)
    config = files.read(_blob_path(manifest.config.digest), limits.config)
    verify(config, manifest.config.digest, f"{files.name}: {manifest.config.digest}")
    diff_ids = read_config(config, manifest, subject).rootfs.diff_ids
    layers = tuple(zip(manifest.layers, diff_ids, strict=True))
    return FoundImage(entry.digest, data, manifest.config.digest, config, layers)


def _blob_path(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def name_of(image: LocalImage, tag: str, source: str) -> Reference:
    """Under which name an image is stored: `tag`, or the one that it has. Raises BadReference."""
    if tag:
        return Reference.parse(tag)
    if not image.name:
        raise BadReference(f"{source}: its image has no name; give it one with --tag NAME:TAG")
    # An OCI layout's name is often only a tag.
    if ":" not in image.name and "/" not in image.name:
        raise BadReference(f'{source}: its image is called "{image.name}" only; give it a name with --tag NAME:TAG')
    return Reference.parse(image.name)


def _decompress(stream: IO[bytes], target: Path, limits: Limits, subject: str) -> None:
    source = LayerStream(stream, limits.image_bytes, subject)
    try:
        with target.open("wb") as copy:
            while chunk := source.read(1 << 20):
                copy.write(chunk)
    except ImageError:
        raise
    except OSError as error:
        raise StoreFailed(f"{target}: {error.strerror}") from None
