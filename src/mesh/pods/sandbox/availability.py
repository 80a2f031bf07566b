"""Whether this machine lets this user run pods in namespaces; if not, why, and what enables it."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

OLDEST_KERNEL = (5, 12)  # mount_setattr(2); setns(2) with a pidfd is 5.8, overlayfs in user namespaces 5.11

_OF_STEP = {
    "nftables": (
        "the kernel lacks nftables' NAT",
        "load the modules: sudo modprobe -a nf_tables nft_chain_nat nft_redir nf_conntrack",
    ),
    "network": ("the kernel cannot make bridges and veth pairs", "load the modules: sudo modprobe -a bridge veth"),
    "proc": (
        "a /proc of a pod's own cannot be mounted",
        "a container hides parts of /proc: run it with --security-opt systempaths=unconfined, or leave it",
    ),
}
_CONTAINER = (
    "run the container with --privileged, or with --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt "
    "seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
)


class Available(NamedTuple):
    """Namespaces work. `user_namespace`: within one, because the user is not root."""

    user_namespace: bool


class Unavailable(NamedTuple):
    """They do not: one line that says why, and one that says what enables them."""

    reason: str
    remedy: str


class Machine(NamedTuple):
    """What of the machine decides which remedy is the right one."""

    kernel: tuple[int, int]
    root: bool
    most_user_namespaces: int | None
    apparmor_restricts: bool
    debian_restricts: bool
    seccomp: bool
    container: bool


class Failure(NamedTuple):
    """The step of the trial that failed, and the error's number."""

    step: str
    number: int
    text: str


def can_use_namespaces() -> Available | Unavailable:
    """Tries everything that a pod needs, in a child process. Takes about 20 ms."""
    machine = _machine()
    if machine.kernel < OLDEST_KERNEL:
        return explain(machine, None)
    failure, user_namespace = _trial()
    return Available(user_namespace) if failure is None else explain(machine, failure)


def explain(machine: Machine, failure: Failure | None) -> Unavailable:
    """The reason for a failed trial, and its remedy."""
    if machine.kernel < OLDEST_KERNEL or failure is None:
        version, oldest = (".".join(map(str, kernel)) for kernel in (machine.kernel, OLDEST_KERNEL))
        return Unavailable(f"Linux {version} is too old; {oldest} or newer is needed", "update the machine's kernel")
    refused = failure.number in (errno.EPERM, errno.EACCES)
    if failure.step in _OF_STEP and (failure.step == "proc" or not refused):
        reason, remedy = _OF_STEP[failure.step]
        return Unavailable(f"{reason} ({failure.text})", remedy)
    # A limit shows as ENOSPC. What refuses in a container is its own rules first, whatever the machine's settings are.
    in_container = machine.container or (machine.seccomp and not machine.apparmor_restricts)
    if refused and in_container:
        return Unavailable(
            f"a seccomp filter or a container's rules forbid new namespaces ({failure.text})", _CONTAINER
        )
    for applies, setting, value, consequence in (
        (machine.most_user_namespaces == 0, "user.max_user_namespaces", 15000, "user namespaces are switched off"),
        (machine.debian_restricts, "kernel.unprivileged_userns_clone", 1, "only root may make user namespaces"),
        (
            machine.apparmor_restricts,
            "kernel.apparmor_restrict_unprivileged_userns",
            0,
            "AppArmor restricts user namespaces",
        ),
    ):
        if applies and not machine.root:
            return Unavailable(f"{consequence} ({setting})", f"sudo sysctl -w {setting}={value}, or run as root")
    if failure.number == errno.ENOSPC:
        return Unavailable(
            f"the machine's limit of namespaces is reached ({failure.text})",
            "raise user.max_user_namespaces, user.max_net_namespaces and user.max_mnt_namespaces with sudo sysctl -w",
        )
    return Unavailable(f"{failure.step}: {failure.text}", "run as root, or on a kernel with namespaces")


def _machine() -> Machine:
    release = os.uname().release.split(".")
    major, minor = release[0], "".join(character for character in release[1] if character.isdigit())
    return Machine(
        kernel=(int(major), int(minor)),
        root=os.geteuid() == 0,
        most_user_namespaces=_setting("user/max_user_namespaces"),
        apparmor_restricts=os.geteuid() != 0 and _setting("kernel/apparmor_restrict_unprivileged_userns") == 1,
        debian_restricts=os.geteuid() != 0 and _setting("kernel/unprivileged_userns_clone") == 0,
        seccomp="Seccomp:\t0" not in Path("/proc/self/status").read_text(),
        container=Path("/.dockerenv").exists() or Path("/run/.containerenv").exists(),
    )


def _setting(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", name).read_text())
    except (OSError, ValueError):
        return None


def _trial() -> tuple[Failure | None, bool]:
    # A process of its own, and not a fork: the caller may have threads.
    result = subprocess.run(
        [sys.executable, "-m", "mesh.pods.sandbox.trial"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    try:
        answer = json.loads(result.stdout)
    except ValueError:
        return Failure("trial", 0, result.stderr.decode(errors="replace").strip()[-200:] or "ended at once"), False
    failure = answer["failure"]
    return (None if failure is None else Failure(*failure)), bool(answer["user_namespace"])
