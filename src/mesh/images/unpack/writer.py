"""Writes a layer's entries below one folder, and nowhere else.

Every path is resolved by the kernel with the layer's folder as its root (openat2, RESOLVE_IN_ROOT), and the last
component is created anew in the folder that was opened: what an earlier entry put in its place, a link for example, is
removed and never followed. What overlayfs needs for whiteouts is written in the form that it reads as an ordinary user,
too (a device 0/0; the attribute user.overlay.opaque).
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

from mesh.images.errors import BadContent, ImageError, StoreFailed, TooLarge
from mesh.images.limits import MIB, Limits
from mesh.images.unpack.archive import Entry, reading
from mesh.images.unpack.owners import Owners
from mesh.images.unpack.tree import FOLDER, Components, LayerTree
from mesh.syscalls import open_inside

COPY_SIZE = 1 * MIB
ROOM_CHECKED_EVERY = 64 * MIB
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class LayerWriter:
    """Writes into the empty folder `root`. Call `close` in any case, after `finish` when all went well."""

    def __init__(self, root: Path, owners: Owners, limits: Limits, subject: str) -> None:
        self._tree = LayerTree(root, owners, subject)
        self._owners = owners
        self._limits = limits
        self._subject = subject
        # Modes and times of folders are set last: a folder that nobody may write to has entries all the same.
        self._folders: dict[Components, tuple[int, float]] = {}
        self._unchecked = 0
        self.size = 0
        self.count = 0

    def close(self) -> None:
        self._tree.close()

    def write(self, entry: Entry) -> None:
        """Writes one entry. Raises BadContent, TooLarge and StoreFailed, which name it."""
        try:
            self._write(entry)
        except ImageError:
            raise
        except OSError as error:
            raise self._failure(entry.name, error) from None
        self.count += 1

    def finish(self) -> None:
        """Gives folders their modes and times, the deepest first."""
        self._tree.forget()
        for path, (mode, modified) in sorted(self._folders.items(), key=lambda item: -len(item[0])):
            try:
                folder = open_inside(self._tree.root, "/".join(path) or ".", FOLDER | os.O_NOFOLLOW)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    continue  # a later entry has replaced it
                raise self._failure("/".join(path), error) from None
            try:
                os.utime(folder, (modified, modified))
                os.fchmod(folder, mode)
            finally:
                os.close(folder)

    def _write(self, entry: Entry) -> None:
        if not entry.path:
            self._root_entry(entry)
            return
        parent, name = self._tree.parent(entry.path), entry.path[-1]
        match entry.kind:
            case "folder":
                self._folder(parent, name, entry)
            case "file":
                self._file(parent, name, entry)
            case "link":
                self._tree.remove(parent, name)
                os.symlink(entry.target, name, dir_fd=parent)
                self._own(parent, name, entry)
            case "hard link":
                self._hard_link(parent, name, entry)
            case "fifo":
                self._tree.remove(parent, name)
                os.mkfifo(name, 0o600, dir_fd=parent)
                self._own(parent, name, entry)
                os.chmod(name, entry.mode & 0o1777, dir_fd=parent)
            case "whiteout":
                # It hides what lower layers have. An entry of this layer with that name stays, and hides it as well.
                if self._tree.is_folder(parent, name):
                    self._tree.opaque(os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent))
                with suppress(FileExistsError):
                    os.mknod(name, stat.S_IFCHR | 0o600, 0, dir_fd=parent)
            case "opaque":
                is_folder = self._tree.is_folder(parent, name)
                self._tree.opaque(
                    os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent) if is_folder else self._tree.made(parent, name)
                )

    def _root_entry(self, entry: Entry) -> None:
        if entry.kind == "opaque":
            self._tree.opaque(os.dup(self._tree.root))
            return
        self._own(self._tree.root, ".", entry)
        self._folders[()] = (entry.mode, entry.modified)

    def _folder(self, parent: int, name: str, entry: Entry) -> None:
        if not self._tree.is_folder(parent, name):
            os.close(self._tree.made(parent, name))
        self._own(parent, name, entry)
        self._set_attributes(parent, name, entry)
        os.chmod(name, 0o700, dir_fd=parent)
        self._folders[entry.path] = (entry.mode, entry.modified)

    def _file(self, parent: int, name: str, entry: Entry) -> None:
        self._tree.remove(parent, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        target = os.open(name, flags, 0o600, dir_fd=parent)
        try:
            if entry.content is not None:
                self._copy(entry.content, target)
            if not self._owners.is_flat:
                os.fchown(target, *self._owners.outside(entry.uid, entry.gid))
            for attribute, value in entry.attributes:
                with suppress(OSError):  # a file system without them
                    os.setxattr(target, attribute, value)
            # Without set-user-ID and set-group-ID: they gain nothing in a container here, and outside they must not.
            os.fchmod(target, entry.mode & 0o1777)
            os.utime(target, (entry.modified, entry.modified))
        finally:
            os.close(target)

    def _copy(self, content: IO[bytes], target: int) -> None:
        while True:
            with reading(self._subject):
                chunk = content.read(COPY_SIZE)
            if not chunk:
                return
            self.size += len(chunk)
            if self.size > self._limits.layer_bytes:
                raise TooLarge(f"{self._subject}: its files have more than {self._limits.layer_bytes} bytes")
            self._unchecked += len(chunk)
            if self._unchecked >= ROOM_CHECKED_EVERY:
                self._check_room()
            view = memoryview(chunk)
            while view:
                view = view[os.write(target, view) :]

    def _check_room(self) -> None:
        self._unchecked = 0
        disk = os.fstatvfs(self._tree.root)
        free = disk.f_bavail * disk.f_frsize
        if free < self._limits.free_bytes:
            raise StoreFailed(
                f"{self._subject}: {free // MIB} MiB are left on the disk, and {self._limits.free_bytes // MIB} stay"
                " free; meshmall image prune removes images that nothing uses"
            )

    def _hard_link(self, parent: int, name: str, entry: Entry) -> None:
        target = tuple(part for part in entry.target.split("/") if part not in ("", "."))
        if ".." in target or not target:
            raise BadContent(f'{self._subject}: the hard link "{entry.name}" leads out of its folder: "{entry.target}"')
        try:
            folder = open_inside(self._tree.root, "/".join(target[:-1]) or ".", FOLDER)
        except OSError:
            folder = -1
        try:
            mode = self._tree.mode(folder, target[-1]) if folder >= 0 else None
            if mode is None or stat.S_ISDIR(mode) or stat.S_ISCHR(mode):
                what = "is a folder" if mode is not None and stat.S_ISDIR(mode) else "is not in the same layer"
                raise BadContent(f'{self._subject}: the hard link "{entry.name}" to "{entry.target}", which {what}')
            if os.fstat(folder).st_ino == os.fstat(parent).st_ino and target[-1] == name:
                return  # a link to itself
            self._tree.remove(parent, name)
            os.link(target[-1], name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            if folder >= 0:
                os.close(folder)

    def _own(self, parent: int, name: str, entry: Entry) -> None:
        if not self._owners.is_flat:
            uid, gid = self._owners.outside(entry.uid, entry.gid)
            os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        if entry.kind == "link":
            os.utime(name, (entry.modified, entry.modified), dir_fd=parent, follow_symlinks=False)

    def _set_attributes(self, parent: int, name: str, entry: Entry) -> None:
        if not entry.attributes:
            return
        folder = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)
        try:
            for attribute, value in entry.attributes:
                with suppress(OSError):
                    os.setxattr(folder, attribute, value)
        finally:
            os.close(folder)

    def _failure(self, name: str, error: OSError) -> ImageError:
        text = f'{self._subject}: "{name[:200]}": {error.strerror or error}'
        return StoreFailed(text) if error.errno in FULL else BadContent(text)
