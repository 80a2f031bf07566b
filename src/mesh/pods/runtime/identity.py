"""As whom a container's processes run: user, groups and capabilities (Kubernetes' securityContext)."""

import os
import pwd
from collections.abc import Mapping
from typing import Any, NamedTuple

from mesh.pods.runtime.interface import Limitation
from mesh.resources.core.pod import Container, Pod

# The user of pods that name none, when the mesh runs as root. Nobody's account on any known distribution.
MESH_UID = 64_001
# What container runtimes grant by default (containerd's and CRI-O's common set).
DEFAULT_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
    "SYS_CHROOT",
)  # fmt: skip


class Identity(NamedTuple):
    """`uid` and `gid` None stand for the mesh's own user. `fs_group` owns the pod's volumes, when it is given."""

    uid: int | None
    gid: int | None
    groups: tuple[int, ...]
    fs_group: int | None
    capabilities: tuple[str, ...]
    limitations: tuple[Limitation, ...] = ()


def identity_of(pod: Pod, container: Container, *, own_uid: int | None = None) -> Identity:
    """The container's own securityContext counts before the pod's. `own_uid` is the mesh's user (default: this one).

    An ordinary user cannot become anybody else: other ids are a limitation then.
    """
    own_uid = os.getuid() if own_uid is None else own_uid
    whole: Mapping[str, Any] = pod.spec.security_context or {}
    own = container.security_context
    user = own.run_as_user if own is not None and own.run_as_user is not None else whole.get("runAsUser")
    group = own.run_as_group if own is not None and own.run_as_group is not None else whole.get("runAsGroup")
    fs_group = whole.get("fsGroup")
    extra = [int(number) for number in whole.get("supplementalGroups") or []]
    if fs_group is not None:
        extra.append(int(fs_group))
    capabilities = _capabilities(container)
    if own_uid != 0:
        wanted = {name: value for name, value in (("runAsUser", user), ("fsGroup", fs_group)) if value is not None}
        ids = {key: value for key, value in wanted.items() if value != (own_uid if key == "runAsUser" else os.getgid())}
        limitations = tuple(
            Limitation(
                "UserIgnored",
                f"container {container.name}: {name} {value} is not possible for the user {_name(own_uid)}; "
                f"it runs as {_name(own_uid)}",
            )
            for name, value in ids.items()
        )
        return Identity(None, None, (), None, capabilities, limitations)
    uid = MESH_UID if user is None else int(user)
    gid = _group_of(uid) if group is None else int(group)
    return Identity(uid, gid, tuple(extra), fs_group, capabilities)


def _capabilities(container: Container) -> tuple[str, ...]:
    context = container.security_context
    given: Mapping[str, Any] = (context.capabilities if context is not None else None) or {}
    dropped = {_plain(name) for name in given.get("drop") or []}
    kept = [] if "ALL" in dropped else [name for name in DEFAULT_CAPABILITIES if name not in dropped]
    added = [_plain(name) for name in given.get("add") or []]
    return tuple(dict.fromkeys([*kept, *(name for name in added if name != "ALL")]))


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
