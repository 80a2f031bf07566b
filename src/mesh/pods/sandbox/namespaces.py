"""The mesh's own namespaces: entered once, when the agent starts."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from mesh.images.unpack.owners import owners
from mesh.images.user_namespace import enter_with_subordinate_ids
from mesh.syscalls import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MS_REC,
    MS_SLAVE,
    mount,
    setns,
    unshare,
)

NS_GET_USERNS = 0xB701  # linux/nsfs.h


def enter_new() -> bool:
    """Moves this process into a network and a mount namespace of its own; returns whether that took a user namespace.

    A user namespace maps the user's own id to itself: programs see the id that they have on the machine. So it does the
    user's subordinate ids, where there are any, which containers of images need. Raises OSError where the machine
    forbids it.
    """
    if os.geteuid() == 0:
        with suppress(PermissionError):
            unshare(CLONE_NEWNET | CLONE_NEWNS)
            _detach_mounts()
            return False
    possible = owners()
    if possible.is_flat or os.geteuid() == 0:
        enter_user_namespace(os.geteuid(), os.getegid())
    else:
        enter_with_subordinate_ids(possible)
    unshare(CLONE_NEWNET | CLONE_NEWNS)
    _detach_mounts()
    return True


def enter_user_namespace(uid: int, gid: int, *, inner_uid: int | None = None, inner_gid: int | None = None) -> None:
    """Unshares a user namespace in which the current user `uid`:`gid` is `inner_uid`:`inner_gid` (default: itself)."""
    unshare(CLONE_NEWUSER)
    # A user without privilege may map groups only after giving up setgroups(2): user_namespaces(7).
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid if inner_uid is None else inner_uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid if inner_gid is None else inner_gid} {gid} 1")


def in_user_namespace_of(pid: int) -> bool:
    """Whether this process and `pid` are in the same user namespace."""
    return Path(f"/proc/{pid}/ns/user").stat().st_ino == Path("/proc/self/ns/user").stat().st_ino


def enter_of(pid: int) -> bool:
    """Moves this process into the user, network and mount namespaces of `pid`, which a previous agent made."""
    with_user = not in_user_namespace_of(pid)
    handle = os.pidfd_open(pid)
    try:
        setns(handle, (CLONE_NEWUSER if with_user else 0) | CLONE_NEWNET | CLONE_NEWNS)
    finally:
        os.close(handle)
    return with_user


def enter_owner_of(namespace: int) -> bool:
    """Moves this process into the user namespace that owns `namespace`, and new network and mount namespaces.

    That is the mesh's, even where the pod's process runs in one of its own (as uid 0).
    """
    owner = fcntl.ioctl(namespace, NS_GET_USERNS)
    try:
        with_user = os.fstat(owner).st_ino != Path("/proc/self/ns/user").stat().st_ino
        if with_user:
            setns(owner, CLONE_NEWUSER)
    finally:
        os.close(owner)
    unshare(CLONE_NEWNET | CLONE_NEWNS)
    _detach_mounts()
    return with_user


def _detach_mounts() -> None:
    # Slave, not private: what the machine unmounts later must not stay busy in here.
    mount("none", "/", flags=MS_REC | MS_SLAVE)
