"""The entries of a layer's archive, checked and bounded before anything is done with them.

Reading is the standard library's tarfile; it never extracts. Source: OCI image-spec v1.1, layer.md.
"""

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal, NamedTuple, Self, cast

from mesh.images.errors import BadContent, ImageError, TooLarge
from mesh.images.limits import Limits
from mesh.images.unpack.stream import LayerStream

Kind = Literal["folder", "file", "link", "hard link", "fifo", "whiteout", "opaque"]
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
AUFS = ".wh..wh."
HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
XATTR = "SCHILY.xattr."
LONGEST_COMPONENT = 255


class Entry(NamedTuple):
    """`path` is relative, without "." and ".."; () is the root. `target` is where a link points."""

    kind: Kind
    path: tuple[str, ...]
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    modified: float = 0.0
    target: str = ""
    content: IO[bytes] | None = None
    attributes: tuple[tuple[str, bytes], ...] = ()

    @property
    def name(self) -> str:
        return "/".join(self.path) or "/"


def entries(stream: LayerStream, limits: Limits, subject: str, skipped: list[str]) -> Iterator[Entry]:
    """Every entry in order; `content` must be read before the next one is asked for. Raises BadContent.

    Devices are not made, whatever they are: a container's /dev is the mesh's. Their names are added to `skipped`.
    """

    class Member(tarfile.TarInfo):
        # tarfile reads a header's extension as a whole, however long its own header says it is.
        def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
            if self.size < 0 or (self.type in HEADERS and self.size > limits.extended_header):
                raise TooLarge(f"{subject}: an extended header of {self.size} bytes")
            return cast(tarfile.TarInfo, super()._proc_member(archive))  # type: ignore[misc]

        @classmethod
        def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
            # tarfile takes a damaged header after the first entry for the end.
            try:
                return super().fromtarfile(archive)
            except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
                raise
            except tarfile.HeaderError as error:
                raise BadContent(f"{subject}: is not a tar archive, or damaged: {error}") from None

    with reading(subject):
        archive = tarfile.open(  # noqa: SIM115 - closing it does nothing: the stream is the caller's
            fileobj=stream, mode="r|", bufsize=1 << 18, tarinfo=Member, encoding="utf-8", errors="surrogateescape"
        )
        count = 0
        while (member := archive.next()) is not None:
            # It would keep all of them.
            archive.members = []  # type: ignore[attr-defined]
            count += 1
            if count > limits.layer_entries:
                raise TooLarge(f"{subject}: has more than {limits.layer_entries} entries")
            if (entry := _entry(member, archive, limits, subject, skipped)) is not None:
                yield entry


@contextmanager
def reading(subject: str) -> Iterator[None]:
    """Turns what tarfile raises for content that is not as it should be into BadContent."""
    try:
        yield
    except ImageError:
        raise
    except tarfile.ReadError as error:
        if str(error) != "empty file":  # an archive without entries is one
            raise BadContent(f"{subject}: is not a tar archive, or cut off: {error}") from None
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, EOFError, IndexError, TypeError) as error:
        raise BadContent(f"{subject}: is not a tar archive that can be read: {error}") from None


def _entry(
    member: tarfile.TarInfo, archive: tarfile.TarFile, limits: Limits, subject: str, skipped: list[str]
) -> Entry | None:
    path = parts(member.name, limits, subject)
    if member.size < 0:
        raise BadContent(f'{subject}: "{member.name}" has the size {member.size}')
    name = path[-1] if path else ""
    if name == OPAQUE:
        return Entry("opaque", path[:-1])
    if name.startswith(AUFS):
        return None
    if name.startswith(WHITEOUT):
        hidden = name.removeprefix(WHITEOUT)
        if hidden in ("", ".", ".."):
            raise BadContent(f'{subject}: "{member.name}" hides nothing that has a name')
        return Entry("whiteout", (*path[:-1], hidden))
    kind = _kind(member)
    if kind is None:
        skipped.append(member.name)
        return None
    if not path and kind != "folder":
        raise BadContent(f'{subject}: "{member.name}" stands for the root and is no folder')
    if kind in ("link", "hard link") and (not member.linkname or len(os.fsencode(member.linkname)) > limits.path):
        raise BadContent(f'{subject}: the link "{member.name}" points nowhere, or its target is too long')
    if not 0 <= member.uid < 2**32 - 1 or not 0 <= member.gid < 2**32 - 1:
        raise BadContent(f'{subject}: "{member.name}" belongs to {member.uid}:{member.gid}, which are no ids')
    return Entry(
        kind,
        path,
        member.mode & 0o7777,
        member.uid,
        member.gid,
        _time(member.mtime),
        member.linkname,
        archive.extractfile(member) if kind == "file" else None,
        tuple(_attributes(member)),
    )


def parts(name: str, limits: Limits, subject: str) -> tuple[str, ...]:
    """A path's components. Raises BadContent for one that leads up, or is too long or too deep."""
    if "\0" in name:
        raise BadContent(f'{subject}: a name with a zero byte: "{name[:80]!r}"')
    if len(os.fsencode(name)) > limits.path:
        raise TooLarge(f'{subject}: a name of more than {limits.path} bytes: "{name[:80]}..."')
    components = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in components:
        raise BadContent(f'{subject}: "{name}" leads out of its folder')
    if len(components) > limits.depth:
        raise TooLarge(f'{subject}: "{name[:80]}..." lies deeper than {limits.depth} folders')
    if any(len(os.fsencode(part)) > LONGEST_COMPONENT for part in components):
        raise BadContent(f'{subject}: "{name[:80]}..." has a component of more than {LONGEST_COMPONENT} bytes')
    return components


def _kind(member: tarfile.TarInfo) -> Kind | None:
    if member.isdir():
        return "folder"
    if member.issym():
        return "link"
    if member.islnk():
        return "hard link"
    if member.isfifo():
        return "fifo"
    if member.isreg() or member.type in (tarfile.CONTTYPE, tarfile.AREGTYPE):
        return "file"
    return None


def _attributes(member: tarfile.TarInfo) -> Iterator[tuple[str, bytes]]:
    """The extended attributes of users. Capabilities of files gain nothing here, and overlayfs has names of its own."""
    for key, value in member.pax_headers.items():
        name = key.removeprefix(XATTR)
        if name != key and name.startswith("user.") and not name.startswith("user.overlay."):
            yield name, value.encode(errors="surrogateescape")


def _time(seconds: float) -> float:
    # Beyond these, file systems and Python disagree about what a time is.
    return min(max(float(seconds), 0.0), float(2**34 - 1)) if seconds == seconds else 0.0  # noqa: PLR0124 - not NaN
