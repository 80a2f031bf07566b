"""Carries out a view: in a mount namespace of its own, a process puts its container's root together and enters it."""

import os
import stat
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from mesh.pods.sandbox.needed import programs
from mesh.pods.sandbox.spec import ProcessSpec
from mesh.pods.sandbox.view import Kind, Plan, Step, ViewError
from mesh.syscalls import (
    MNT_DETACH,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_UNBINDABLE,
    mount,
    pivot_root,
    set_mount_attributes,
    umount,
)

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# What a developer's machine has and a container would be given: graphics and compute devices.
MORE_DEVICES = ("dri", "kfd", "nvidia*")
DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


class HostFiles:
    """The machine's file system as a user sees it whose ids are given."""

    def __init__(self, uid: int, groups: set[int]) -> None:
        self._uid = uid
        self._groups = groups

    def kind(self, path: str) -> Kind | None:
        try:
            mode = Path(path).lstat().st_mode
        except OSError:
            return None
        return "folder" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "file"

    def link(self, path: str) -> str:
        return str(Path(path).readlink())

    def entries(self, folder: str) -> list[tuple[str, Kind]]:
        with os.scandir(folder) as scan:
            return [
                (entry.name, "link" if entry.is_symlink() else "folder" if entry.is_dir() else "file") for entry in scan
            ]

    def mode(self, folder: str) -> int:
        return stat.S_IMODE(Path(folder).stat().st_mode)

    def closed(self, folder: str) -> bool:
        status = Path(folder).stat()
        if status.st_uid == self._uid:
            return not status.st_mode & stat.S_IXUSR
        return not status.st_mode & (stat.S_IXGRP if status.st_gid in self._groups else stat.S_IXOTH)

    @cached_property
    def run_folders(self) -> list[str]:
        return [name for name, kind in self.entries("/run") if kind == "folder"]


def enter_view(spec: ProcessSpec, staging: str) -> None:
    """Gives this process, which is in a mount namespace of its own, the file system that `spec` describes.

    `staging` is an empty folder. Raises ViewError, which names the mount.
    """
    files = HostFiles(*_ids(spec))
    tmpfs(staging, 0o755)
    mount("none", staging, flags=MS_UNBINDABLE)  # or a bind of the folder above would copy what is made here
    for step in _plan(spec, files).steps():
        try:
            _carry_out(step, staging, files)
        except OSError as error:
            source = f" from {step.source}" if step.source else ""
            raise ViewError(f'mount at "{step.target}"{source}: {error.strerror}') from None
    os.chdir(staging)
    # Both on one folder: the old root lies over the new one for a moment, and no folder is needed for it.
    pivot_root(".", ".")
    umount(".", MNT_DETACH)
    os.chdir("/")
    mount("none", "/", flags=MS_PRIVATE)
    if spec.read_only_root:
        _protect_root(spec)


def _protect_root(spec: ProcessSpec) -> None:
    """readOnlyRootFilesystem: everything becomes read-only, and then the volumes writable again.

    After the new root has been entered: the links on the way to a volume lead to where they do for the container.
    """
    set_mount_attributes("/", MOUNT_ATTR_RDONLY, recursive=True)
    # Terminals and shared memory belong to the container, and no container runtime takes them away.
    writable = ["/proc", "/dev/pts", "/dev/shm", "/dev/mqueue"]  # noqa: S108
    writable += [entry.target for entry in spec.mounts if not entry.read_only]
    for path in writable:
        with suppress(PermissionError):  # it lies on a file system that is read-only on the machine
            set_mount_attributes(path, 0, recursive=True, clear=MOUNT_ATTR_RDONLY)


def _ids(spec: ProcessSpec) -> tuple[int, set[int]]:
    """The user and the groups, as the machine knows them, that the process will have."""
    # Uid 0 first: when the agent is root itself, a container's root is still somebody else on the machine.
    if spec.uid == 0 and spec.root_uid is not None:
        return spec.root_uid, {spec.root_gid or 0}
    if spec.uid in (None, 0, os.geteuid()):
        return os.geteuid(), {os.getegid(), *os.getgroups()}
    return spec.uid or 0, {os.getegid() if spec.gid is None else spec.gid, *spec.groups}


def _plan(spec: ProcessSpec, files: HostFiles) -> Plan:
    plan = Plan(files)
    plan.private("/proc", "proc")
    plan.private("/sys", "sysfs")
    plan.private("/dev", "dev")
    plan.private("/run", "run")
    plan.private("/tmp", "tmp", carries=True)  # noqa: S108
    for path in (*programs(spec.argv, spec.env.get("PATH", os.defpath)), *spec.needed):
        plan.reach(path)
    plan.open(spec.cwd)
    for path in spec.hidden:
        plan.hide(path)
    for entry in spec.mounts:
        plan.put(entry)
    # A volume may show a folder (the machine's root, say) that what is hidden lies in.
    for entry in spec.mounts:
        source = Path(entry.source).resolve()
        for hidden in (Path(path).resolve() for path in spec.hidden if entry.kind == "bind"):
            if source in hidden.parents:
                plan.hide(f"{entry.target}/{hidden.relative_to(source)}")
    return plan


def _carry_out(step: Step, root: str, files: HostFiles) -> None:
    target = root + step.target
    match step.action:
        case "folder":
            with suppress(FileExistsError):
                Path(target).mkdir()
                if step.mode != 0o755:
                    Path(target).chmod(step.mode)
        case "file":
            with suppress(FileExistsError):
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        case "link":
            Path(target).symlink_to(step.source)
        case "bind":
            mount(step.source, target, flags=MS_BIND | MS_REC)
        case "read-only":
            set_mount_attributes(target, MOUNT_ATTR_RDONLY, recursive=True)
        case "tmpfs":
            tmpfs(target, step.mode, step.size)
        case "tmp":
            tmpfs(target, 0o1777)
        case "run":
            _run(target, files)
        case "proc":
            mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        case "sysfs":
            sysfs(target)
        case "dev":
            devices(target)


def tmpfs(target: str, mode: int, size: int = 0) -> None:
    """Mounts an empty file system in memory."""
    options = f"mode={mode:o}" + (f",size={size}" if size else "")
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options)


def _run(target: str, files: HostFiles) -> None:
    """An empty /run with the folders that the machine has there: PostgreSQL expects /run/postgresql, for example."""
    tmpfs(target, 0o1777)
    for name in files.run_folders:
        folder = Path(target, name)
        folder.mkdir()
        folder.chmod(0o1777)


def sysfs(target: str) -> None:
    """The pod's own view of the network's devices; the machine's where mounting it is refused."""
    try:
        mount("sysfs", target, "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
    except PermissionError:
        mount("/sys", target, flags=MS_BIND | MS_REC)
    else:
        with suppress(OSError):  # runtimes read memory and processor limits there
            mount("/sys/fs/cgroup", f"{target}/fs/cgroup", flags=MS_BIND | MS_REC)
    # A user may own control groups, and could end or freeze what else runs in them.
    set_mount_attributes(target, MOUNT_ATTR_RDONLY, recursive=True)


def devices(target: str) -> None:
    """Puts a container's /dev at an existing folder: the harmless devices, terminals, shared memory."""
    tmpfs(target, 0o755)
    names = [path.name for pattern in MORE_DEVICES for path in Path("/dev").glob(pattern)]
    for name in (*DEVICES, *names):
        source, device = Path("/dev", name), Path(target, name)
        if source.is_dir():
            device.mkdir()
        elif source.exists():
            device.touch()
        else:
            continue
        mount(str(source), str(device), flags=MS_BIND | MS_REC)
    for name, link in DEVICE_LINKS.items():
        Path(target, name).symlink_to(link)
    for name in ("pts", "shm", "mqueue"):
        Path(target, name).mkdir()
    mount("devpts", f"{target}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    tmpfs(f"{target}/shm", 0o1777)
    mount("mqueue", f"{target}/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC)
