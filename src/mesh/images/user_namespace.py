"""A user namespace in which a user's subordinate ids exist, each as itself: for unpacking, and for containers in it.

An ordinary process may map its own id only; newuidmap(1) and newgidmap(1), which have the privilege, map the ids that
/etc/subuid and /etc/subgid grant.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mesh.images.unpack.owners import FLAT, Owners, Range
from mesh.syscalls import CLONE_NEWUSER, unshare

MAP_LIMIT = 20.0


def enter_with_subordinate_ids(owners: Owners) -> Owners:
    """Moves this process, which has one thread, into such a namespace; returns what can be given there.

    That is FLAT, and the namespace has only the user's own ids, when the machine refuses the others. The ids stay what
    they are. Raises OSError where no user namespace can be made.
    """
    uid, gid = os.geteuid(), os.getegid()
    if enter_mapped_from_outside(lambda pid: _map(pid, owners)):
        return owners
    # As if there were no subordinate ids: user_namespaces(7). What newuidmap has written already stays.
    with suppress(PermissionError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return FLAT


def enter_mapped_from_outside(give_ids: Callable[[int], bool]) -> bool:
    """Moves this process into a new user namespace, whose ids `give_ids` maps; whether it could.

    It is called with this process's pid, in a process that stays outside: whoever makes a user namespace loses what is
    needed to give it more ids than one.
    """
    ours, theirs = os.pipe()
    target = os.getpid()
    helper = os.fork()
    if helper == 0:
        code = 1
        try:
            os.close(theirs)
            if os.read(ours, 1):
                code = 0 if give_ids(target) else 1
        finally:
            os._exit(code)
    os.close(ours)
    try:
        unshare(CLONE_NEWUSER)
        os.write(theirs, b"x")
    finally:
        os.close(theirs)
        _, status = os.waitpid(helper, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _map(pid: int, owners: Owners) -> bool:
    import subprocess  # noqa: PLC0415 - the agent, of which every container begins as a copy, does without

    commands = (("newuidmap", owners.uids), ("newgidmap", owners.gids))
    for program, ranges in commands:
        words = [program, str(pid), *_identity(ranges)]
        # A failure is not one of the caller's: there is a way without.
        answer = subprocess.run(words, capture_output=True, timeout=MAP_LIMIT, check=False)
        if answer.returncode:
            return False
    return True


def _identity(ranges: Iterable[Range]) -> list[str]:
    return [str(number) for entry in ranges for number in (entry.outside, entry.outside, entry.length)]
