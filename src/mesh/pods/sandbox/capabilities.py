"""Capabilities and ids of a process, set last before its exec. Numbers from linux/capability.h."""

import os
from collections.abc import Iterable
from contextlib import suppress

from mesh.syscalls import (
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_RAISE,
    PR_CAPBSET_DROP,
    PR_CAPBSET_READ,
    PR_SET_KEEPCAPS,
    PR_SET_NO_NEW_PRIVS,
    prctl,
    set_capabilities,
)

NAMES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
)
NUMBERS = {name: number for number, name in enumerate(NAMES)}

# What container runtimes grant, less what no program here needs: raw packets (NET_RAW) would pass by the redirect to
# Envoy, device nodes (MKNOD) cannot be made in a user namespace, and there is no audit log of a pod's (AUDIT_WRITE).
DEFAULT = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
# How Envoy enters pods' network namespaces to listen there (setns needs SYS_ADMIN), without being root.
ENVOY = ("NET_ADMIN", "NET_BIND_SERVICE", "SYS_ADMIN")


def granted(add: Iterable[str], drop: Iterable[str]) -> tuple[str, ...]:
    """The default set less `drop` plus `add`, as a securityContext's `capabilities` says; "ALL" is understood.

    Names may carry Kubernetes' accepted prefix CAP_. Unknown names are left out.
    """
    added, dropped = {_plain(name) for name in add}, {_plain(name) for name in drop}
    base = set() if "ALL" in dropped else set(DEFAULT) - dropped
    names = set(NAMES) if "ALL" in added else base | added
    return tuple(name for name in NAMES if name in names)


def _plain(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def restrict(
    names: Iterable[str], uid: int | None, gid: int | None, groups: Iterable[int] | None, *, ambient: bool
) -> None:
    """Takes ids and capabilities for good. With `ambient` the process keeps `names` through its exec, whatever its uid.

    The order matters: the bounding set needs SETPCAP, the ids need SETUID and SETGID, and a change of uid clears what
    KEEPCAPS does not keep.
    """
    numbers = {NUMBERS[name] for name in names}
    for number in range(len(NAMES)):
        with suppress(OSError):  # this kernel may know fewer
            if number not in numbers and prctl(PR_CAPBSET_READ, number):
                prctl(PR_CAPBSET_DROP, number)
    if ambient:
        prctl(PR_SET_KEEPCAPS, 1)
    if groups is not None:
        os.setgroups(list(groups))
    if gid is not None:
        os.setresgid(gid, gid, gid)
    if uid is not None:
        os.setresuid(uid, uid, uid)
    if ambient:
        set_capabilities(numbers, numbers, numbers)
        for number in numbers:
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number)
    elif os.geteuid() == 0:
        set_capabilities(numbers, numbers, ())
    else:
        set_capabilities((), (), ())
    prctl(PR_SET_NO_NEW_PRIVS, 1)
