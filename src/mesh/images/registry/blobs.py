"""A blob into a file: resumed where the last attempt broke off, never longer than announced, verified at the end."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mesh.images.errors import BadContent, StoreFailed, TooLarge, Unreachable
from mesh.images.manifest import Descriptor
from mesh.images.registry.client import FIRST_PAUSE, LONGEST_PAUSE, RegistryClient

MOST_BREAKS = 8
READ_SIZE = 1024 * 1024


def download(
    client: RegistryClient,
    blob: Descriptor,
    path: Path,
    progress: Callable[[int], None],
    pause: Callable[[float], None],
) -> None:
    """Fetches a blob to `path`, which may have its beginning. Raises ImageError; what came stays for the next attempt.

    `progress` is called with the number of bytes that have come. Breaks that bring nothing new are counted: a slow line
    that breaks off every minute gets there in the end.
    """
    breaks = 0
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size > blob.size:
            path.unlink()
            size = 0
        try:
            if size < blob.size or not blob.size:
                _fetch(client, blob, path, size, progress)
            break
        except Unreachable:
            came = path.stat().st_size if path.exists() else 0
            breaks = 0 if came > size else breaks + 1
            if breaks >= MOST_BREAKS:
                raise
            pause(min(FIRST_PAUSE * 2**breaks, LONGEST_PAUSE))
    actual = _digest(path)
    if actual != blob.digest:
        # Nothing of it can be trusted, and there is nothing to resume.
        path.unlink()
        raise BadContent(f"{client.subject}: blob {blob.digest} has the content of {actual}")


def _fetch(client: RegistryClient, blob: Descriptor, path: Path, first: int, progress: Callable[[int], None]) -> None:
    with client.blob_stream(blob.digest, first) as (begins, chunks):
        try:
            target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreFailed(f"{path}: {error.strerror}") from None
        try:
            os.ftruncate(target, begins)
            os.lseek(target, begins, os.SEEK_SET)
            size = begins
            for chunk in chunks:
                size += len(chunk)
                if size > blob.size:
                    raise TooLarge(f"{client.subject}: blob {blob.digest} is longer than its {blob.size} bytes")
                _write(target, chunk, path)
                progress(size)
        finally:
            os.close(target)
        if size < blob.size:
            raise Unreachable(f"{client.subject}: blob {blob.digest} ended after {size} of its {blob.size} bytes")


def _write(target: int, chunk: bytes, path: Path) -> None:
    view = memoryview(chunk)
    try:
        while view:
            view = view[os.write(target, view) :]
    except OSError as error:
        # What cannot be resumed for want of room must not take that room.
        with suppress(OSError):
            path.unlink()
        raise StoreFailed(f"{path}: {error.strerror}") from None


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(READ_SIZE):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"
