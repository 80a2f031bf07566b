"""The folders of a layer that is being written: opened below its root, made where they are missing."""

import os
import shutil
import stat
from pathlib import Path

from mesh.images.errors import BadContent
from mesh.images.unpack.owners import Owners
from mesh.syscalls import open_inside

OPAQUE_ATTRIBUTE = "user.overlay.opaque"
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

Components = tuple[str, ...]


class LayerTree:
    """The folder `root`, which is "/" for whatever is opened below it. Its methods raise OSError and BadContent."""

    def __init__(self, root: Path, owners: Owners, subject: str) -> None:
        self.root = os.open(root, FOLDER | os.O_NOFOLLOW)
        self._owners = owners
        self._subject = subject
        self._opened: tuple[Components, int] = ((), self.root)

    def close(self) -> None:
        self.forget()
        os.close(self.root)

    def parent(self, path: Components) -> int:
        """The folder that has the entry, made where it is missing; kept open for the next entry."""
        folder = path[:-1]
        if self._opened[0] != folder:
            self.forget()
            self._opened = (folder, self._open_folder(folder)) if folder else ((), self.root)
        return self._opened[1]

    def _open_folder(self, path: Components) -> int:
        try:
            return open_inside(self.root, "/".join(path), FOLDER)
        except FileNotFoundError:
            above = self._open_folder(path[:-1]) if path[:-1] else os.dup(self.root)
        try:
            if self.mode(above, path[-1]) is not None:
                raise BadContent(f'{self._subject}: "{"/".join(path)}" is a link that leads nowhere')
            return self.made(above, path[-1])
        finally:
            os.close(above)

    def made(self, parent: int, name: str) -> int:
        """A folder that no entry has listed (yet)."""
        was_hidden = stat.S_ISCHR(self.mode(parent, name) or 0)
        self.remove(parent, name)
        os.mkdir(name, 0o755, dir_fd=parent)
        if not self._owners.is_flat:
            os.chown(name, *self._owners.outside(0, 0), dir_fd=parent, follow_symlinks=False)
        folder = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)
        if was_hidden:
            # What lower layers have in a folder of that name stays hidden.
            self.opaque(os.dup(folder))
        return folder

    def opaque(self, folder: int) -> None:
        """Hides what lower layers have in an open folder, and closes it."""
        try:
            os.setxattr(folder, OPAQUE_ATTRIBUTE, b"y")
        finally:
            os.close(folder)

    def mode(self, parent: int, name: str) -> int | None:
        """Type and mode of an entry, links not followed; None when there is none."""
        try:
            return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None

    def is_folder(self, parent: int, name: str) -> bool:
        mode = self.mode(parent, name)
        return mode is not None and stat.S_ISDIR(mode)

    def remove(self, parent: int, name: str) -> None:
        """Makes room for an entry: of two with one name the later counts."""
        mode = self.mode(parent, name)
        if mode is None:
            return
        if stat.S_ISDIR(mode):
            shutil.rmtree(name, dir_fd=parent)
            return
        os.unlink(name, dir_fd=parent)

    def forget(self) -> None:
        if self._opened[1] != self.root:
            os.close(self._opened[1])
        self._opened = ((), self.root)
