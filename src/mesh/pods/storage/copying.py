"""Copies folders as fast as the file system can: by sharing blocks (reflinks), otherwise byte by byte.

A copy is made in two passes. The first may run while programs write: it copies what it finds. The second, made while
they stand still, copies what has changed since, so that the time for which they stand depends on what they write and
not on what there is.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# linux/fs.h: shares the blocks of a whole file.
FICLONE = 0x40049409
# The file system cannot share blocks, or not between these two files.
NO_REFLINK = frozenset((errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM))
PIECE = 8 << 20
WORKERS = 4
# What must stay free on a file system, as a share of the copy and in bytes: the store will write, too.
SPARE_SHARE, SPARE_BYTES = 0.05, 16 << 20
# A file counts as unchanged since the first pass when it had not been written to for this long then (seconds): clocks
# of file systems tick every few milliseconds, and two writes within a tick look like one.
SETTLED_FOR = 0.1


class CopyError(Exception):
    """The copy cannot be made; the message says why. What was made of it is of no use."""


class Stamp(NamedTuple):
    """By these a file is recognised as unchanged."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Mapped(NamedTuple):
    """Files that processes have mapped to write to them. By inode and by name: some file systems show other inodes."""

    inodes: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()

    def has(self, path: str, status: os.stat_result) -> bool:
        return status.st_ino in self.inodes or path.rpartition("/")[2] in self.names


NOT_MAPPED = Mapped()


@dataclass(slots=True)
class Progress:
    """How far a copy is: bytes there are, bytes copied, and whether blocks are shared."""

    total: int = 0
    copied: int = 0
    shared: bool = False


@dataclass(slots=True)
class TreeCopy:
    """The copy of one folder into another that does not exist yet. `stop` is asked between pieces: a reason to give up,
    or "". Files that the programs have mapped (`mapped`) are copied in the second pass whatever
    their time says: writing to memory does not change it at once.
    """

    source: Path
    target: Path
    progress: Progress
    stop: Callable[[], str] = lambda: ""
    _stamps: dict[str, Stamp] = field(default_factory=dict)

    def first_pass(self, now: float) -> None:
        """Copies what is there now, while it may change. `now` is the time of day. Raises CopyError."""
        self._copy(now, NOT_MAPPED)

    def second_pass(self, mapped: Mapped = NOT_MAPPED) -> None:
        """Makes the copy equal to the folder, which nobody changes any more. Raises CopyError."""
        self._copy(None, mapped)

    def _copy(self, now: float | None, mapped: Mapped) -> None:
        final = now is None
        entries = dict(_walk(self.source))
        if final:
            self._remove_surplus(entries)
        files: list[tuple[str, os.stat_result]] = []
        for path, status in entries.items():
            self._check()
            if stat.S_ISDIR(status.st_mode):
                self._folder(path, status)
            elif stat.S_ISLNK(status.st_mode):
                self._link(path)
            elif stat.S_ISREG(status.st_mode):
                stamp = Stamp.of(status)
                unchanged = self._stamps.get(path) == stamp and not mapped.has(path, status)
                if not unchanged:
                    files.append((path, status))
        # The largest first, so that no thread begins one when the others are done.
        files.sort(key=lambda file: -file[1].st_size)
        with ThreadPoolExecutor(WORKERS) as threads:
            for (path, status), copied in zip(
                files, threads.map(lambda file: self._try(file[0], final), files), strict=True
            ):
                if copied and now is not None and now - max(status.st_mtime, status.st_ctime) > SETTLED_FOR:
                    self._stamps[path] = Stamp.of(status)
        if final:
            self._set_modes(entries)

    def _check(self) -> None:
        if reason := self.stop():
            raise CopyError(reason)

    def _folder(self, path: str, status: os.stat_result) -> None:
        target = self.target / path
        if not target.is_dir():
            target.mkdir(parents=True, mode=0o700)
        _own(target, status)

    def _link(self, path: str) -> None:
        target = self.target / path
        target.unlink(missing_ok=True)
        target.symlink_to((self.source / path).readlink())

    def _try(self, path: str, final: bool) -> bool:
        try:
            self._file(path)
        except FileNotFoundError:
            # Programs remove files while they run; while they stand still, nothing may vanish.
            if final:
                raise CopyError(f"{self.source / path} has vanished") from None
            return False
        except OSError as error:
            raise CopyError(f"{self.source / path}: {_reason(error, self.target)}") from None
        return True

    def _file(self, path: str) -> None:
        self._check()
        # A pod's program may put a link in the place of a file: what it leads to is not its own.
        source = os.open(self.source / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            target = os.open(self.target / path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                status = os.fstat(source)
                if not self._share(source, target):
                    self._bytes(source, target, status.st_size)
                self.progress.copied += status.st_size
                _own(target, status)
                os.fchmod(target, stat.S_IMODE(status.st_mode))
                os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _share(self, source: int, target: int) -> bool:
        try:
            fcntl.ioctl(target, FICLONE, source)
        except OSError as error:
            if error.errno in NO_REFLINK:
                return False
            raise
        self.progress.shared = True
        return True

    def _bytes(self, source: int, target: int, size: int) -> None:
        """Copies what has data; holes stay holes."""
        os.ftruncate(target, size)
        for start, end in _extents(source, size):
            place = start
            while place < end:
                self._check()
                count = os.copy_file_range(source, target, min(PIECE, end - place), place, place)
                if count == 0:
                    break
                place += count

    def _remove_surplus(self, entries: Mapping[str, os.stat_result]) -> None:
        """Removes what the first pass has found and is not there, or not the same, any more."""
        if not self.target.is_dir():
            return
        for path, status in sorted(_walk(self.target), key=lambda entry: -entry[0].count("/")):
            now = entries.get(path)
            if now is not None and stat.S_IFMT(now.st_mode) == stat.S_IFMT(status.st_mode):
                continue
            if stat.S_ISDIR(status.st_mode):
                (self.target / path).rmdir()
            else:
                (self.target / path).unlink()

    def _set_modes(self, entries: Mapping[str, os.stat_result]) -> None:
        """Last, and inner folders first: a folder may say that nobody can write to it."""
        for path, status in sorted(entries.items(), key=lambda entry: -entry[0].count("/")):
            if stat.S_ISDIR(status.st_mode):
                (self.target / path).chmod(stat.S_IMODE(status.st_mode))
                with suppress(OSError):
                    os.utime(self.target / path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry below a folder with its status, the folder itself first ("."), folders before what is in them.

    Sockets and FIFOs are left out: they mean something only while their program runs.
    """
    yield ".", folder.lstat()
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(folder / prefix) as scan:
                entries = list(scan)
        except FileNotFoundError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            path = f"{prefix}{entry.name}"
            if stat.S_ISDIR(status.st_mode):
                yield path, status
                waiting.append(f"{path}/")
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                yield path, status


def _extents(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file has data."""
    place = 0
    while place < size:
        try:
            start = os.lseek(file, place, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole to the end
                return
            raise
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end
        place = end


def _own(target: int | Path, status: os.stat_result) -> None:
    """Gives the copy the original's owner, as far as this user may: an ordinary one owns all there is."""
    with suppress(PermissionError):
        os.chown(target, status.st_uid, status.st_gid)


def _reason(error: OSError, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space is left on the file system of {target}"
    return error.strerror or str(error)


def size_of(folder: Path) -> int:
    """The bytes that the files of a folder occupy."""
    return sum(status.st_blocks * 512 for _, status in _walk(folder))


def can_share(source: Path, folder: Path) -> bool:
    """Whether files of `source` can be shared with new ones in `folder`: tried with the first file there is."""
    path = next((path for path, status in _walk(source) if stat.S_ISREG(status.st_mode)), None)
    if path is None:
        return False
    probe = folder / ".reflink-probe"
    try:
        with (source / path).open("rb") as file, probe.open("wb") as target:
            fcntl.ioctl(target.fileno(), FICLONE, file.fileno())
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def require_space(needed: int, folder: Path) -> None:
    """Raises CopyError when a copy of so many bytes does not fit."""
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    total = int(needed * (1 + SPARE_SHARE)) + SPARE_BYTES
    if total > free:
        raise CopyError(
            f"the copy needs {total / 1e6:,.0f} MB, and the file system of {folder} has {free / 1e6:,.0f} MB left; "
            "free some, or put the mesh's home on a file system with reflinks (XFS, Btrfs), where a copy takes no space"
        )


def mapped_files(pids: Iterable[int]) -> Mapped:
    """What these processes have mapped (proc(5), /proc/PID/maps)."""
    inodes: set[int] = set()
    names: set[str] = set()
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
                fields = line.split(None, 5)
                if len(fields) == 6 and fields[1].startswith("rw") and fields[1].endswith("s"):
                    inodes.add(int(fields[4]))
                    names.add(fields[5].rpartition("/")[2])
    return Mapped(frozenset(inodes), frozenset(names))
