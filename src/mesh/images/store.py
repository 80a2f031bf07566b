"""Images on disk, below one folder:

    blobs/HEX             manifests and configurations by digest
    partial/HEX           layers that are being fetched; an attempt that broke off goes on there
    staging/NAME/         layers that are being unpacked; NAME.lock is locked as long as somebody does
    layers/ID/            an unpacked layer, ID.json what it is; it is whole when ID.json exists
    images/HEX.json       a record for each reference
    lock                  shared by whoever adds or uses, exclusive for whoever removes

Nothing is changed in place: content appears by a rename when it is whole, so a process that dies at any moment leaves
only what the next one recognizes as unfinished and removes.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from mesh.images.errors import BadContent, StoreFailed
from mesh.images.manifest import ImageConfig, RunConfig, decode
from mesh.images.reference import Reference

LAYER_ID_LENGTH = 20  # of overlayfs' options all layers' names share one page of 4096 bytes
LAYERS = "layers"


class LayerRecord(msgspec.Struct, frozen=True):
    """`size` in bytes of files. `skipped` are the names of devices, which are not made."""

    diff_id: str
    size: int
    count: int
    skipped: list[str] = []


class ImageRecord(msgspec.Struct, frozen=True):
    """An image that can be run. `layers` are ids, the lowest first; times are seconds since 1970."""

    reference: str
    digest: str
    config: str
    layers: list[str]
    size: int
    pulled: float
    origin: str = ""


class Usage(NamedTuple):
    """Bytes on disk: of all layers, and of those that no image needs any more."""

    layers: int
    unused: int
    images: int


def layer_id(diff_id: str) -> str:
    return diff_id.removeprefix("sha256:")[:LAYER_ID_LENGTH]


class ImageStore:
    """The folder; its methods raise StoreFailed where the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.layers = path / LAYERS
        self._blobs = path / "blobs"
        self._records = path / "images"
        self.partial = path / "partial"
        self.staging = path / "staging"

    def prepare(self) -> None:
        """Makes the folders, and removes what processes that have died left unfinished."""
        try:
            for folder in (self.layers, self._blobs, self._records, self.partial, self.staging):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Containers' own users look layers up; the home around it lets nobody else in.
            self.path.chmod(0o711)
            self.layers.chmod(0o711)
            self._remove_unfinished()
        except OSError as error:
            raise StoreFailed(f"{error.filename or self.path}: {error.strerror}") from None

    @contextmanager
    def shared(self) -> Iterator[None]:
        """While something is added or taken into use, nothing is removed."""
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._locked(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)

    def find(self, reference: Reference) -> ImageRecord | None:
        """The record of a reference whose layers are all there. One by digest is found under any of its tags."""
        record = self._read(self._record_path(str(reference)))
        if record is None and reference.digest:
            prefix = f"{reference.name}:", f"{reference.name}@"
            record = next(
                (r for r in self.images() if r.digest == reference.digest and r.reference.startswith(prefix)), None
            )
        return record if record is not None and all(self.has_layer(layer) for layer in record.layers) else None

    def images(self) -> list[ImageRecord]:
        paths = sorted(self._records.glob("*.json")) if self._records.is_dir() else []
        records = [record for path in paths if (record := self._read(path)) is not None]
        return sorted(records, key=lambda record: record.reference)

    def config(self, record: ImageRecord) -> RunConfig:
        """What the image says about running it. Raises BadContent when its file is damaged."""
        try:
            data = (self._blobs / _hex(record.config)).read_bytes()
        except OSError as error:
            raise StoreFailed(f"{record.reference}: its configuration is not in the store: {error.strerror}") from None
        return decode(data, ImageConfig, record.reference).config or RunConfig()

    def has_layer(self, layer: str) -> bool:
        return (self.layers / f"{layer}.json").exists()

    def layer(self, layer: str) -> LayerRecord | None:
        try:
            return msgspec.json.decode((self.layers / f"{layer}.json").read_bytes(), type=LayerRecord)
        except (OSError, msgspec.DecodeError):
            return None

    def add_blob(self, digest: str, data: bytes) -> None:
        self._write(self._blobs / _hex(digest), data)

    def add_layer(self, folder: Path, record: LayerRecord) -> str:
        """Takes an unpacked layer over from staging; returns its id. Raises BadContent where two layers share an id."""
        name = layer_id(record.diff_id)
        present = self.layer(name)
        if present is not None and present.diff_id != record.diff_id:
            raise BadContent(f"layer {record.diff_id}: begins as {present.diff_id} does")
        if present is None:
            target = self.layers / name
            if target.exists():
                # Its record is missing: a process died between the rename and the record.
                remove_tree(target)
            try:
                folder.rename(target)
            except OSError as error:
                if not target.exists():
                    raise StoreFailed(f"{target}: {error.strerror}") from None
            self._write(self.layers / f"{name}.json", msgspec.json.encode(record))
        return name

    def add_image(self, record: ImageRecord) -> None:
        self._write(self._record_path(record.reference), msgspec.json.encode(record))

    def remove_image(self, reference: str) -> bool:
        """Forgets a reference; its layers go with the next `prune`. Whether there was one."""
        path = self._record_path(reference)
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed

    def touch(self, reference: str) -> None:
        """Notes that the image is used now."""
        with suppress(OSError):
            os.utime(self._record_path(reference))

    def last_used(self, reference: str) -> float:
        try:
            return self._record_path(reference).stat().st_mtime
        except OSError:
            return 0.0

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder for unfinished work, removed at the end or, if this process is killed, by the next one."""
        name = secrets.token_hex(8)
        lock = os.open(self.staging / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        folder = self.staging / name
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder.mkdir(mode=0o700)
            yield folder
        except OSError as error:
            raise StoreFailed(f"{error.filename or folder}: {error.strerror}") from None
        finally:
            remove_tree(folder)
            (self.staging / f"{name}.lock").unlink(missing_ok=True)
            os.close(lock)

    def usage(self) -> Usage:
        """Sizes as recorded when the layers were unpacked: nothing is walked through."""
        needed = {layer for record in self.images() for layer in record.layers}
        sizes = {path.stem: record.size for path in self.layers.glob("*.json") if (record := self.layer(path.stem))}
        unused = sum(size for name, size in sizes.items() if name not in needed)
        return Usage(sum(sizes.values()), unused, len(self.images()))

    def blob_names(self) -> list[str]:
        return [path.name for path in self._blobs.iterdir()]

    def remove_blob(self, name: str) -> None:
        (self._blobs / name).unlink(missing_ok=True)

    def read_blob(self, digest: str) -> bytes | None:
        try:
            return (self._blobs / _hex(digest)).read_bytes()
        except OSError:
            return None

    def _record_path(self, reference: str) -> Path:
        return self._records / f"{hashlib.sha256(reference.encode()).hexdigest()[:32]}.json"

    def _read(self, path: Path) -> ImageRecord | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=ImageRecord)
        except (OSError, msgspec.DecodeError):
            return None

    def _write(self, path: Path, data: bytes) -> None:
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            fresh.write_bytes(data)
            fresh.rename(path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise StoreFailed(f"{path}: {error.strerror}") from None

    def _remove_unfinished(self) -> None:
        for entry in self.staging.iterdir():
            name = entry.name.removesuffix(".lock")
            lock = os.open(self.staging / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # somebody is at it
            else:
                remove_tree(self.staging / name)
                (self.staging / f"{name}.lock").unlink(missing_ok=True)
            finally:
                os.close(lock)
        for folder in (self.layers, self._blobs, self._records):
            for leftover in folder.glob(".*"):
                if time.time() - leftover.stat().st_mtime > 60:
                    leftover.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Removes a folder with what it has, whatever modes its folders have."""

    def open_up(_function: object, name: str, _error: object) -> None:
        above = Path(name).parent
        with suppress(OSError):
            for folder in (above, Path(name)):
                if not folder.is_symlink() and folder.is_dir():
                    folder.chmod(0o700)
            if Path(name).is_dir() and not Path(name).is_symlink():
                shutil.rmtree(name, ignore_errors=True)
            else:
                Path(name).unlink(missing_ok=True)

    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for _ in range(3):
        shutil.rmtree(path, onerror=open_up)
        if not path.exists():
            return


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
