"""The user namespace of a container that runs from an image: its ids, and what stands for them on the machine."""

import os
from collections.abc import Iterable
from pathlib import Path

from mesh.images.unpack.owners import Owners, Range
from mesh.images.user_namespace import enter_mapped_from_outside
from mesh.pods.sandbox.namespaces import enter_user_namespace


def enter_container_ids(owners: Owners, uid: int, gid: int) -> None:
    """Moves this process into a user namespace with a container's ids.

    Where there is only the user's own id, it stands for `uid` and `gid`. Raises OSError.
    """
    if owners.is_flat:
        enter_user_namespace(os.geteuid(), os.getegid(), inner_uid=uid, inner_gid=gid)
        return

    def give_ids(pid: int) -> bool:
        Path(f"/proc/{pid}/uid_map").write_text(_map(owners.uids))
        Path(f"/proc/{pid}/gid_map").write_text(_map(owners.gids))
        return True

    if not enter_mapped_from_outside(give_ids):
        raise OSError("the container's ids could not be mapped")


def _map(ranges: Iterable[Range]) -> str:
    return "".join(f"{entry.inside} {entry.outside} {entry.length}\n" for entry in ranges)
