"""As whom a container of an image runs, looked up in the image's own accounts.

Source: OCI image-spec, config.md (`User`), and what containerd makes of it: without a group in the configuration the
user's own of /etc/passwd, the groups of /etc/group that name the user, and $HOME.
"""

import os
import stat
from typing import NamedTuple

LARGEST_FILE = 1024 * 1024
LARGEST_ID = 2**31 - 1


class UnknownUser(Exception):
    """The image does not have the user or group; the message is the container runtimes'."""


class Account(NamedTuple):
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def account(user: str, gid: int | None = None, groups: tuple[int, ...] = ()) -> Account:
    """Looks up `name`, `uid`, each with `:group`, in this process's root. `gid` and `groups` are the pod's. Raises
    UnknownUser."""
    name, _, group = user.partition(":")
    name = name or "0"
    accounts = [line.split(":") for line in _lines("/etc/passwd")]
    entry = next((fields for fields in accounts if len(fields) >= 6 and name in (fields[0], fields[2])), None)
    uid = _number(entry[2]) if entry is not None else _number(name)
    if uid is None:
        raise UnknownUser(f"unable to find user {name}: no matching entries in passwd file")
    listed = [line.split(":") for line in _lines("/etc/group")]
    members = [
        number
        for fields in listed
        if len(fields) >= 4 and entry is not None and entry[0] in fields[3].split(",")
        if (number := _number(fields[2])) is not None
    ]
    own = (_number(entry[3]) if entry is not None else 0) or 0
    if group:
        row = next((fields for fields in listed if len(fields) >= 3 and group in (fields[0], fields[2])), None)
        named = _number(row[2]) if row is not None else _number(group)
        if named is None:
            raise UnknownUser(f"unable to find group {group}: no matching entries in group file")
        own = named
    own = own if gid is None else gid
    return Account(uid, own, tuple(dict.fromkeys([*members, *groups])), (entry[5] if entry is not None else "") or "/")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= LARGEST_ID else None


def _lines(path: str) -> list[str]:
    """The lines of a file of the image, which may be anything: a pipe that nobody writes to, a gigabyte."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return []
        return os.read(file, LARGEST_FILE).decode(errors="replace").splitlines()
    except OSError:
        return []
    finally:
        os.close(file)
