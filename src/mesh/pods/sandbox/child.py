"""A process on its way from the agent's fork to its exec: namespaces, file system, ids, and the report of what failed.

Everything here runs in a child of the agent that shares nothing with it but a status socket: a failure is sent there,
and the end of that socket (closed by exec) tells the agent that the program runs.
"""

import errno
import fcntl
import json
import os
import pty
import resource
import signal
import socket
import struct
import termios
from contextlib import suppress
from typing import NamedTuple, NoReturn

from mesh.images.unpack.owners import CONTAINER_IDS, Owners
from mesh.pods.sandbox.capabilities import restrict
from mesh.pods.sandbox.file_system import enter_view
from mesh.pods.sandbox.image_ids import enter_container_ids
from mesh.pods.sandbox.image_root import enter_image
from mesh.pods.sandbox.image_user import Account, UnknownUser, account
from mesh.pods.sandbox.namespaces import enter_user_namespace, in_user_namespace_of
from mesh.pods.sandbox.pretended_ids import pretend
from mesh.pods.sandbox.spec import ProcessSpec
from mesh.pods.sandbox.view import ViewError
from mesh.syscalls import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    CLONE_PARENT,
    MS_UNBINDABLE,
    PR_SET_DUMPABLE,
    clone,
    close_on_exec,
    mount,
    prctl,
    setns,
)

# The first byte of a packet on the status socket.
PID, TERMINAL, FAILURE = b"P", b"T", b"E"
CONTAINER_FLAGS = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID


class Surroundings(NamedTuple):
    """What the agent knows and a child needs: descriptors and folders of the mesh."""

    network: int | None  # the pod's network namespace; None in the mesh's own
    staging: str  # an empty folder over which a container's root is put together
    networks: str  # the mount with all pods' network namespaces, which containers leave behind
    in_user_namespace: bool
    owners: Owners  # the ids that containers of images have
    most_files: int  # the soft limit of open files


class StepFailed(Exception):
    """A step before the exec failed; the message names the step and the object."""


def fork(spec: ProcessSpec, fds: tuple[int, ...], surroundings: Surroundings) -> tuple[int | None, socket.socket]:
    """Starts a child that becomes the process. Returns its pid, if known at once, and the status socket.

    A process that joins a PID namespace is made by a child in between, which sends its pid (PID).
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    joins = spec.join or spec.share_processes
    pid = clone(0 if joins or not spec.pod else CONTAINER_FLAGS)
    if pid == 0:
        here.close()
        _become(spec, fds, surroundings, there)
    there.close()
    here.setblocking(False)
    return (None if joins else pid), here


def _become(spec: ProcessSpec, fds: tuple[int, ...], surroundings: Surroundings, status: socket.socket) -> NoReturn:
    try:
        _reset_signals()
        os.umask(0o022)  # as in a container, whatever the user's own is
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (surroundings.most_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
        is_contained_root = False
        if spec.join:
            is_contained_root = _join(spec.join, status)
        elif spec.share_processes:
            _share_processes(spec.share_processes, status)
        os.setsid()
        if spec.pod and not spec.join:
            _enter_pod(spec, surroundings)
        user = account(spec.image.user, spec.gid, spec.groups) if spec.image is not None else None
        terminal = _open_terminal(spec, status, _terminal_owner(spec, user, surroundings)) if spec.tty else None
        _set_stdio(fds, terminal)
        if user is not None:
            _set_image_user(spec, user, surroundings)
            spec = spec._replace(env={"HOME": user.home, **spec.env})
        else:
            _set_user(spec, surroundings, is_contained_root=is_contained_root)
        _execute(spec)
    except (StepFailed, ViewError, UnknownUser) as failure:
        _report(status, str(failure))
    except OSError as error:
        _report(status, ": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
    except BaseException as error:  # whatever it is, the agent's own code must not run on in this child
        _report(status, repr(error))
    os._exit(127)


def _report(status: socket.socket, message: str) -> None:
    with suppress(OSError):
        status.send(FAILURE + json.dumps(message).encode()[:60000])


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _fork_again(flags: int, status: socket.socket) -> None:
    """Continues in a child: the PID namespace that a process has entered holds for its children only."""
    # CLONE_PARENT: the agent becomes the parent, and hears of the exit, without a detour over this process.
    pid = clone(flags | CLONE_PARENT)
    if pid:
        status.send(PID + str(pid).encode())
        os._exit(0)


def _join(pid: int, status: socket.socket) -> bool:
    """Enters a container's namespaces; returns whether it runs as uid 0 of a user namespace of its own."""
    is_contained_root = not in_user_namespace_of(pid)
    handle = os.pidfd_open(pid)
    setns(handle, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)
    if is_contained_root:
        setns(handle, CLONE_NEWUSER)  # last: the other namespaces belong to the mesh's
    os.close(handle)
    _fork_again(0, status)
    return is_contained_root


def _share_processes(pid: int, status: socket.socket) -> None:
    handle = os.pidfd_open(pid)
    setns(handle, CLONE_NEWPID)
    os.close(handle)
    _fork_again(CONTAINER_FLAGS & ~CLONE_NEWPID, status)


def _enter_pod(spec: ProcessSpec, surroundings: Surroundings) -> None:
    """The pod's network, the hostname, the file system."""
    assert surroundings.network is not None
    setns(surroundings.network, CLONE_NEWNET)
    socket.sethostname(spec.hostname)
    # Binds leave it out from now on. (Unmounting it would do, and wait for the kernel's RCU, some milliseconds.)
    mount("none", surroundings.networks, flags=MS_UNBINDABLE)
    if spec.image is not None:
        enter_image(spec, spec.image, surroundings.staging, surroundings.owners)
    else:
        enter_view(spec, surroundings.staging)


def _terminal_owner(spec: ProcessSpec, user: Account | None, surroundings: Surroundings) -> int | None:
    """Who owns the terminal, as this process, which may still be outside the container's user namespace, knows it."""
    if user is not None:
        outside = surroundings.owners.is_flat or bool(spec.join)
        return user.uid if outside else surroundings.owners.outside(user.uid, user.gid)[0]
    if spec.uid is None:
        return None
    return spec.uid if spec.uid else spec.root_uid or 0


def _open_terminal(spec: ProcessSpec, status: socket.socket, owner: int | None) -> int:
    """Opens a terminal of the container's own /dev/pts, so that ttyname(3) works; the agent gets its master side."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", spec.rows, spec.columns, 0, 0))
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    socket.send_fds(status, [TERMINAL], [master])
    if owner is not None:
        with suppress(OSError):
            os.fchown(slave, owner, -1)
    return slave


def _set_stdio(fds: tuple[int, ...], terminal: int | None) -> None:
    sources = (terminal,) * 3 if terminal is not None else fds
    for number in range(3):
        source = sources[number] if number < len(sources) else None
        if source is None:
            source = os.open("/dev/null", os.O_RDWR)
        os.dup2(source, number, inheritable=True)
    # Nothing else: a socket of the host's network, or a file of the home, would be a way out.
    with suppress(OSError):  # of an older kernel; the agent opens nothing that programs inherit
        close_on_exec(3)


def _set_user(spec: ProcessSpec, surroundings: Surroundings, *, is_contained_root: bool) -> None:
    if not spec.pod:
        restrict(spec.capabilities, spec.uid, spec.gid, None, ambient=True)
        return
    if spec.uid is None and not surroundings.in_user_namespace:
        raise StepFailed("no uid: a mesh that runs as root gives none of its own to a pod")
    if spec.uid == 0 or is_contained_root:
        if not is_contained_root:
            _become_contained_root(spec, surroundings)
        restrict(spec.capabilities, spec.uid, 0, None, ambient=False)
        return
    uid = None if spec.uid == os.geteuid() else spec.uid
    gid = None if spec.gid == os.getegid() else spec.gid
    groups = None if surroundings.in_user_namespace else spec.groups
    try:
        restrict(spec.capabilities, uid, gid, groups, ambient=False)
    except OSError as error:
        raise StepFailed(
            f"runAsUser {spec.uid}, runAsGroup {spec.gid}: {error.strerror}; a mesh that an ordinary user runs can "
            f"give its pods the ids 0 and {os.geteuid()} only"
            if surroundings.in_user_namespace and error.errno in (errno.EINVAL, errno.EPERM)
            else f"ids {spec.uid}:{spec.gid}: {error.strerror}"
        ) from None


def _set_image_user(spec: ProcessSpec, user: Account, surroundings: Surroundings) -> None:
    """The user of a container of an image, in the user namespace that gives the image's ids a meaning."""
    if not spec.join:
        enter_container_ids(surroundings.owners, user.uid, user.gid)
    groups = None if surroundings.owners.is_flat else user.groups
    try:
        restrict(spec.capabilities, user.uid, user.gid, groups, ambient=False)
    except OSError as error:
        raise StepFailed(
            f"ids {user.uid}:{user.gid}: {error.strerror}; containers of images have the ids 0 to {CONTAINER_IDS - 1}"
        ) from None
    if surroundings.owners.is_flat and user.uid == 0:
        pretend()


def _become_contained_root(spec: ProcessSpec, surroundings: Surroundings) -> None:
    """uid 0 inside a user namespace of the process's own: root over its own processes and files, over nothing else."""
    uid = os.geteuid() if spec.root_uid is None else spec.root_uid
    gid = os.getegid() if spec.root_gid is None else spec.root_gid
    if not surroundings.in_user_namespace:
        os.setgroups([gid])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        prctl(PR_SET_DUMPABLE, 1)  # without it /proc/self belongs to root, and the maps could not be written
    enter_user_namespace(uid, gid, inner_uid=0, inner_gid=0)


def _execute(spec: ProcessSpec) -> NoReturn:
    try:
        os.chdir(spec.cwd)
    except OSError as error:
        raise StepFailed(f'workingDir "{spec.cwd}": {error.strerror}') from None
    program = spec.argv[0]
    candidates = [program]
    if "/" not in program:
        candidates = [f"{folder or '.'}/{program}" for folder in spec.env.get("PATH", os.defpath).split(":")]
    refusal: OSError | None = None
    for candidate in candidates:
        try:
            os.execve(candidate, spec.argv, spec.env)  # noqa: S606
        except OSError as error:
            # As execvp(3): a file that exists and may not be run says more than the folders that lack it.
            if refusal is None or error.errno not in (errno.ENOENT, errno.ENOTDIR):
                refusal = error
    assert refusal is not None
    if "/" not in program and refusal.errno in (errno.ENOENT, errno.ENOTDIR):
        raise StepFailed(f'"{program}": no such program on PATH {spec.env.get("PATH", os.defpath)}')
    raise StepFailed(f'"{program}": {refusal.strerror}')
