"""The system calls that the standard library of Python 3.11 does not have. Every function raises OSError.

Numbers above 424 are the same on every architecture; the constants are named as in the kernel's headers
(linux/sched.h, linux/mount.h, linux/prctl.h, linux/capability.h).
"""

import ctypes
import os
import signal
import struct
from collections.abc import Iterable

CLONE_NEWNS = 0x20000
CLONE_NEWUTS = 0x4000000
CLONE_NEWIPC = 0x8000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_PARENT = 0x8000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MNT_DETACH = 2
MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NOSUID = 2
AT_RECURSIVE = 0x8000
AT_FDCWD = -100

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4
LINUX_CAPABILITY_VERSION_3 = 0x20080522

RESOLVE_NO_XDEV = 1
RESOLVE_NO_MAGICLINKS = 2
RESOLVE_IN_ROOT = 16

CLOSE_RANGE_CLOEXEC = 4
HIGHEST_DESCRIPTOR = 0xFFFFFFFF

SYS_CLONE3 = 435
SYS_CLOSE_RANGE = 436
SYS_OPENAT2 = 437
SYS_MOUNT_SETATTR = 442
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, *subject: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), *subject)
    return result


def _number(numbers: dict[str, int]) -> int:
    machine = os.uname().machine
    if machine not in numbers:
        raise OSError(38, f"system call numbers of {machine} are not known; only those of {', '.join(numbers)}")
    return numbers[machine]


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags))


def setns(fd: int, flags: int) -> None:
    """Enters the namespace behind `fd`; with a pidfd those of its process that `flags` selects (Linux 5.8)."""
    _checked(_libc.setns(fd, flags))


def clone(flags: int) -> int:
    """As os.fork, into new namespaces. Returns the child's pid, 0 in the child.

    Without fork's handlers: call it only in a process with one thread, and let the child do little before its exec.
    """
    exit_signal = 0 if flags & CLONE_PARENT else signal.SIGCHLD
    arguments = ctypes.create_string_buffer(struct.pack("=8Q", flags, 0, 0, 0, exit_signal, 0, 0, 0), 64)
    return _checked(_libc.syscall(SYS_CLONE3, arguments, ctypes.c_size_t(64)))


def close_on_exec(lowest: int) -> None:
    """Lets this process's next program have no descriptor from `lowest` on (Linux 5.11)."""
    arguments = (ctypes.c_uint(number) for number in (lowest, HIGHEST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC))
    _checked(_libc.syscall(SYS_CLOSE_RANGE, *arguments))


def open_inside(root: int, path: str, flags: int, *, across_mounts: bool = False) -> int:
    """Opens a path as if the folder `root` were "/": links and ".." cannot lead out of it (openat2(2), Linux 5.6)."""
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (0 if across_mounts else RESOLVE_NO_XDEV)
    how = ctypes.create_string_buffer(struct.pack("=3Q", flags | os.O_CLOEXEC, 0, resolve), 24)
    return _checked(_libc.syscall(SYS_OPENAT2, root, os.fsencode(path), how, ctypes.c_size_t(24)), path)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    _checked(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode() if options else None,
        ),
        target,
    )


def umount(target: str, flags: int = 0) -> None:
    _checked(_libc.umount2(os.fsencode(target), flags), target)


def pivot_root(new: str, old: str) -> None:
    _checked(_libc.syscall(_number(SYS_PIVOT_ROOT), os.fsencode(new), os.fsencode(old)), new)


def set_mount_attributes(target: str, attributes: int, *, recursive: bool, clear: int = 0) -> None:
    """Adds `attributes` (MOUNT_ATTR_...) to a mount and takes those of `clear` away; if `recursive`, also for the
    mounts below it (Linux 5.12)."""
    values = ctypes.create_string_buffer(struct.pack("=4Q", attributes, clear, 0, 0), 32)
    flags = AT_RECURSIVE if recursive else 0
    _checked(
        _libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), flags, values, ctypes.c_size_t(32)), target
    )


def set_name(name: str) -> None:
    """The process's name as ps shows it, 15 bytes at most."""
    _checked(_libc.prctl(PR_SET_NAME, os.fsencode(name), 0, 0, 0))


def prctl(option: int, second: int = 0, third: int = 0) -> int:
    return _checked(_libc.prctl(option, ctypes.c_ulong(second), ctypes.c_ulong(third), 0, 0))


def set_capabilities(effective: Iterable[int], permitted: Iterable[int], inheritable: Iterable[int]) -> None:
    """capset(2) for this thread; each set as numbers of capabilities."""
    sets = [sum(1 << number for number in group) for group in (effective, permitted, inheritable)]
    low = [value & 0xFFFFFFFF for value in sets]
    high = [value >> 32 for value in sets]
    header = ctypes.create_string_buffer(struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0), 8)
    data = ctypes.create_string_buffer(struct.pack("=6I", *low, *high), 24)
    _checked(_libc.syscall(_number(SYS_CAPSET), header, data))
