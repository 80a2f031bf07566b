"""The user namespace of a container that runs from an image: its ids, and what stands for them on the machine."""

import os
from collections.abc import Iterable
from pathlib import Path

from mesh.images.unpack.owners import Owners, Range
from mesh.pods.sandbox.namespaces import enter_user_namespace
from mesh.syscalls import CLONE_NEWUSER, unshare


def enter_container_ids(owners: Owners, uid: int, gid: int) -> None:
    """Moves this process into a user namespace with a container's ids.

    Where there is only the user's own id, it stands for `uid` and `gid`. Raises OSError.
    """
    if owners.is_flat:
        enter_user_namespace(os.geteuid(), os.getegid(), inner_uid=uid, inner_gid=gid)
        return
    ours, theirs = os.pipe()
    target = os.getpid()
    # Whoever makes a user namespace loses what is needed to give it more ids than one: a helper outside does it.
    helper = os.fork()
    if helper == 0:
        code = 1
        try:
            os.close(theirs)
            if os.read(ours, 1):
                Path(f"/proc/{target}/uid_map").write_text(_map(owners.uids))
                Path(f"/proc/{target}/gid_map").write_text(_map(owners.gids))
                code = 0
        finally:
            os._exit(code)
    os.close(ours)
    try:
        unshare(CLONE_NEWUSER)
        os.write(theirs, b"x")
    finally:
        os.close(theirs)
        _, status = os.waitpid(helper, 0)
    if os.waitstatus_to_exitcode(status):
        raise OSError("the container's ids could not be mapped")


def _map(ranges: Iterable[Range]) -> str:
    return "".join(f"{entry.inside} {entry.outside} {entry.length}\n" for entry in ranges)
