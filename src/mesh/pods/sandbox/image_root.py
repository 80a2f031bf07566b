"""The root of a container that runs from an image: its layers stacked by overlayfs, and what the kernel adds to them.

Everything is put together in a mount namespace that nobody else is in yet, and by paths that the kernel resolves within
the new root: a link in the image leads to the image's own files, never to the machine's.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from mesh.images.unpack.owners import Owners
from mesh.pods.sandbox.file_system import devices, sysfs, tmpfs
from mesh.pods.sandbox.spec import ImageRoot, Mount, ProcessSpec
from mesh.pods.sandbox.view import ViewError
from mesh.syscalls import (
    MNT_DETACH,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    mount,
    open_inside,
    pivot_root,
    set_mount_attributes,
    umount,
)

MOST_LINKS = 40


def enter_image(spec: ProcessSpec, image: ImageRoot, staging: str, owners: Owners) -> None:
    """Gives this process, which is in a mount namespace of its own, the image as its root. Raises ViewError.

    `staging` is an empty folder of the machine over which the root is mounted.
    """
    _mount_root(image, staging, owners)
    root = os.open(staging, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in ("proc", "sys", "dev"):
            _own_folder(staging, name)
        mount("proc", f"{staging}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        sysfs(f"{staging}/sys")
        devices(f"{staging}/dev")
        for entry in spec.mounts:
            _put(root, entry, owners)
        if spec.read_only_root:
            for path in image.volumes:
                _keep_writable(root, path, owners)
            _make_folder(root, spec.cwd, owners)
            set_mount_attributes(staging, MOUNT_ATTR_RDONLY, recursive=False)
    finally:
        os.close(root)
    os.chdir(staging)
    # Both on one folder: the old root lies over the new one for a moment, and no folder is needed for it.
    pivot_root(".", ".")
    umount(".", MNT_DETACH)
    os.chdir("/")
    mount("none", "/", flags=MS_PRIVATE)
    if not spec.read_only_root:
        _working_folder(spec.cwd, owners)


def _mount_root(image: ImageRoot, staging: str, owners: Owners) -> None:
    writable = Path(image.writable)
    if image.copied:
        mount(str(writable / "copy"), staging, flags=MS_BIND)
        return
    upper, work = writable / "upper", writable / "work"
    for folder in (upper, work):
        folder.mkdir(exist_ok=True)
    # The root of the root: overlayfs shows the uppermost folder's mode and owner.
    top = os.stat(f"{image.folder}/{image.layers[-1]}") if image.layers else writable.stat()  # noqa: PTH116
    upper.chmod(stat.S_IMODE(top.st_mode))
    if not owners.is_flat:
        os.chown(upper, top.st_uid, top.st_gid)
    if not image.layers:
        mount(str(upper), staging, flags=MS_BIND)
        return
    # Relative: all options together have one page, and an image may have more than a hundred layers.
    os.chdir(image.folder)
    lower = ":".join(reversed(image.layers))
    options = f"lowerdir={lower},upperdir={_escaped(upper)},workdir={_escaped(work)},userxattr"
    try:
        mount("overlay", staging, "overlay", MS_NOSUID | MS_NODEV, options)
    except OSError as error:
        raise ViewError(
            f"overlayfs over the image's {len(image.layers)} layers with {upper} on top: {error.strerror}"
        ) from None


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def _own_folder(staging: str, name: str) -> None:
    """A folder of the image for one of the kernel's file systems; a link there would be followed by the mount."""
    path = Path(staging, name)
    with suppress(FileExistsError):
        path.mkdir()
    if path.is_symlink() or not path.is_dir():
        raise ViewError(f"the image has something at /{name} that is not a folder")


def _put(root: int, entry: Mount, owners: Owners) -> None:
    is_folder = entry.kind == "tmpfs" or Path(entry.source).is_dir()
    try:
        place = _place(root, entry.target, owners, is_folder=is_folder)
        try:
            # The descriptor, not the path: what it stands for cannot be exchanged any more.
            target = f"/proc/self/fd/{place}"
            if entry.kind == "tmpfs":
                tmpfs(target, entry.mode, entry.size)
            else:
                mount(entry.source, target, flags=MS_BIND | MS_REC)
        finally:
            os.close(place)
        if entry.read_only:
            mounted = open_inside(root, entry.target, os.O_PATH, across_mounts=True)
            try:
                set_mount_attributes(f"/proc/self/fd/{mounted}", MOUNT_ATTR_RDONLY, recursive=True)
            finally:
                os.close(mounted)
    except OSError as error:
        raise ViewError(f'mount at "{entry.target}" from {entry.source or "memory"}: {error.strerror}') from None


def _place(root: int, target: str, owners: Owners, *, is_folder: bool) -> int:
    """An open place for a mount, made where it is missing; links lead to where they do inside. Raises OSError."""
    path = target
    for _ in range(MOST_LINKS):
        try:
            return open_inside(root, path, os.O_PATH, across_mounts=True)
        except FileNotFoundError:
            pass
        above, _, name = path.rstrip("/").rpartition("/")
        folder = _place(root, above or "/", owners, is_folder=True)
        try:
            try:
                link = os.readlink(name, dir_fd=folder)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EINVAL):
                    raise
                _make(folder, name, owners, is_folder=is_folder)
                continue
            # A link that leads nowhere: what it leads to is made.
            path = link if link.startswith("/") else f"{above}/{link}"
        finally:
            os.close(folder)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _make(folder: int, name: str, owners: Owners, *, is_folder: bool) -> None:
    if is_folder:
        os.mkdir(name, 0o755, dir_fd=folder)
    else:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644, dir_fd=folder))
    if not owners.is_flat:
        os.chown(name, *owners.outside(0, 0), dir_fd=folder, follow_symlinks=False)


def _make_folder(root: int, path: str, owners: Owners) -> None:
    os.close(_place(root, path, owners, is_folder=True))


def _keep_writable(root: int, path: str, owners: Owners) -> None:
    """A mount of its own over itself, which the root's being read-only does not concern."""
    place = _place(root, path, owners, is_folder=True)
    try:
        mount(f"/proc/self/fd/{place}", f"/proc/self/fd/{place}", flags=MS_BIND)
    finally:
        os.close(place)


def _working_folder(path: str, owners: Owners) -> None:
    """Container runtimes make a working folder that the image does not have."""
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _make_folder(root, path, owners)
    except OSError as error:
        raise ViewError(f'workingDir "{path}": {error.strerror}') from None
    finally:
        os.close(root)
