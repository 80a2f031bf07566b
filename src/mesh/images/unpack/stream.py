"""The bytes of a layer: decompressed, counted, hashed."""

import gzip
import hashlib
import io
import zlib
from typing import IO, Protocol

from mesh.images.errors import BadContent, TooLarge
from mesh.images.unpack.zstandard import DecompressionParameter, ZstdError, ZstdFile

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
BZIP2, XZ = b"BZh", b"\xfd7zXZ\x00"
# Of zstd: what a decompressor has to remember. zstd's own --ultra uses 128 MiB at most.
LARGEST_WINDOW = 27
BUFFER = 1024 * 1024


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class LayerStream(io.RawIOBase):
    """Reads the archive within a layer's blob. Raises BadContent where the blob ends too early or is damaged.

    `digest` is that of what has been read so far; after `drain` the layer's diff_id.
    """

    def __init__(self, blob: IO[bytes], largest: int, subject: str) -> None:
        head = blob.read(6)
        blob.seek(0)
        self._subject = subject
        self._largest = largest
        self._hash = hashlib.sha256()
        self.size = 0
        self._source = _decompressed(blob, head, subject)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._source.read(size if size >= 0 else BUFFER)
        except (EOFError, OSError, zlib.error, ZstdError) as error:
            raise BadContent(f"{self._subject}: damaged or cut off: {error}") from None
        self.size += len(data)
        if self.size > self._largest:
            raise TooLarge(f"{self._subject}: has more than {self._largest} bytes when unpacked")
        self._hash.update(data)
        return data

    def drain(self) -> None:
        """Reads what follows the archive's end: it counts for the digest."""
        while self.read(BUFFER):
            pass

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _decompressed(blob: IO[bytes], head: bytes, subject: str) -> _Readable:
    if head.startswith(GZIP):
        return gzip.GzipFile(fileobj=blob, mode="rb")
    if head.startswith(ZSTD):
        options: dict[int, int] = {DecompressionParameter.window_log_max: LARGEST_WINDOW}
        return ZstdFile(blob, "r", options=options)
    if head.startswith((BZIP2, XZ)):
        raise BadContent(f"{subject}: is compressed by bzip2 or xz, which images do not use")
    return blob
