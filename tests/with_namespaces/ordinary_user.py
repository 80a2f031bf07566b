"""Runs a command as a user without privilege when the tests run as root: `python -m ... UID COMMAND...`.

The interpreter may lie in a folder that only root may enter (/root): in a mount namespace of the command's own such
folders are replaced by ones that anyone may enter, with the interpreter's parts in them.
"""

import os
import stat
import sys
from pathlib import Path

from mesh.pods.sandbox.syscalls import CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, mount, unshare

UID = 64998


def _closed_parent(path: Path) -> Path | None:
    for parent in reversed(path.parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            return parent
    return None


def _open_way_to(path: Path) -> None:
    parent = _closed_parent(path)
    if parent is None:
        return
    child = parent / path.relative_to(parent).parts[0]
    handle = os.open(child, os.O_PATH)
    mount("tmpfs", str(parent), "tmpfs", options="mode=0755")
    child.mkdir()
    mount(f"/proc/self/fd/{handle}", str(child), flags=MS_BIND | MS_REC)
    os.close(handle)


def main(uid: int, command: list[str]) -> None:
    unshare(CLONE_NEWNS)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    for prefix in {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}:
        _open_way_to(prefix)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
