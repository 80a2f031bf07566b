"""One layer, from its blob to a folder."""

from pathlib import Path
from typing import NamedTuple

from mesh.images.errors import BadContent
from mesh.images.limits import Limits
from mesh.images.unpack.archive import entries
from mesh.images.unpack.owners import Owners
from mesh.images.unpack.stream import LayerStream
from mesh.images.unpack.writer import LayerWriter


class UnpackedLayer(NamedTuple):
    """`size` in bytes of its files, and how many entries; `skipped` are the names of devices."""

    diff_id: str
    size: int
    entries: int
    skipped: tuple[str, ...]


def unpack(
    blob: Path, folder: Path, owners: Owners, limits: Limits, subject: str, diff_id: str | None
) -> UnpackedLayer:
    """Unpacks a blob into an empty folder. Raises ImageError; the folder is then not to be used.

    `diff_id` is the digest of the archive that the image's configuration announces; None accepts any.
    """
    skipped: list[str] = []
    with blob.open("rb") as source:
        stream = LayerStream(source, limits.layer_bytes + limits.layer_entries * 1024, subject)
        writer = LayerWriter(folder, owners, limits, subject)
        try:
            for entry in entries(stream, limits, subject, skipped):
                writer.write(entry)
            stream.drain()
            writer.finish()
        finally:
            writer.close()
    if diff_id is not None and stream.digest != diff_id:
        raise BadContent(f"{subject}: its archive has the digest {stream.digest} and not {diff_id}")
    return UnpackedLayer(stream.digest, writer.size, writer.count, tuple(skipped))
