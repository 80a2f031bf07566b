"""As whom a container's processes run: user, groups and capabilities (Kubernetes' securityContext)."""

import os
import pwd
from collections.abc import Mapping
from typing import NamedTuple

from mesh.pods.runtime.interface import Limitation
from mesh.pods.sandbox.capabilities import DEFAULT
from mesh.resources.core.pod import Container, Pod, PodSecurityContext, SecurityContext

# The user of pods that name none, when the mesh runs as root. Nobody's account on any known distribution.
MESH_UID = 64_001
DEFAULT_CAPABILITIES = DEFAULT


class Identity(NamedTuple):
    """`uid` and `gid` None stand for the mesh's own user. `fs_group` owns the pod's volumes, when it is given."""

    uid: int | None
    gid: int | None
    groups: tuple[int, ...]
    fs_group: int | None
    capabilities: tuple[str, ...]
    read_only_root: bool = False
    limitations: tuple[Limitation, ...] = ()


def identity_of(pod: Pod, container: Container, *, own_uid: int | None = None) -> Identity:
    """The container's own securityContext counts before the pod's. `own_uid` is the mesh's user (default: this one).

    An ordinary user can become nobody else, except a uid 0 that has power over its own processes only.
    """
    own_uid = os.getuid() if own_uid is None else own_uid
    pods = pod.spec.security_context or PodSecurityContext()
    own = container.security_context or SecurityContext()
    user = own.run_as_user if own.run_as_user is not None else pods.run_as_user
    group = own.run_as_group if own.run_as_group is not None else pods.run_as_group
    capabilities = _capabilities(own.capabilities)
    read_only_root = bool(own.read_only_root_filesystem)
    if own_uid != 0:
        limitations = _impossible(container.name, own_uid, user, pods.fs_group)
        uid = 0 if user == 0 else None
        return Identity(uid, uid, (), None, capabilities, read_only_root, limitations)
    uid = MESH_UID if user is None else user
    gid = _group_of(uid) if group is None else group
    groups = (*pods.supplemental_groups, *(() if pods.fs_group is None else (pods.fs_group,)))
    return Identity(uid, gid, groups, pods.fs_group, capabilities, read_only_root)


def _impossible(container: str, own_uid: int, user: int | None, fs_group: int | None) -> tuple[Limitation, ...]:
    """The ids that an ordinary user cannot give to its processes."""
    requested = (("runAsUser", user, (0, own_uid)), ("fsGroup", fs_group, (os.getgid(),)))
    return tuple(
        Limitation(
            "UserIgnored",
            f"container {container}: {name} {value} is not possible for the user {_name(own_uid)}; "
            f"it runs as {_name(own_uid)}",
        )
        for name, value, possible in requested
        if value is not None and value not in possible
    )


def _capabilities(given: Mapping[str, list[str]]) -> tuple[str, ...]:
    dropped = {_plain(name) for name in given.get("drop") or []}
    defaults = [] if "ALL" in dropped else [name for name in DEFAULT_CAPABILITIES if name not in dropped]
    added = [_plain(name) for name in given.get("add") or []]
    return tuple(dict.fromkeys([*defaults, *(name for name in added if name != "ALL")]))


def _plain(name: str) -> str:
    return str(name).upper().removeprefix("CAP_")


def _group_of(uid: int) -> int:
    """The group of a user who has none in the manifest. On a cluster the image says; here the machine's accounts do.

    Not 0, which is what Kubernetes takes for want of an image's word: the files here are the machine's.
    """
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
