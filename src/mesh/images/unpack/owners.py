"""Which ids files get: the image's, shifted to where the mesh's containers have theirs, or one for all.

As root, the ids 0..65535 of every container stand for a range of the machine's that nobody else uses; as an ordinary
user with subordinate ids (subuid(5)), 0 stands for the user and the others for those. Without them everything belongs
to the user: `Owners.is_flat`.
"""

import os
import pwd
from pathlib import Path
from typing import NamedTuple

# As root: systemd's UIDS-GIDS.md has 1879048192 to 2147352575 as unused, beyond every distribution's accounts and
# subordinate ids. Not above 2^31, which some programs take for negative.
ROOT_BASE = 0x77000000
CONTAINER_IDS = 65_536


class Range(NamedTuple):
    """`length` ids from `inside` on stand for those from `outside` on."""

    inside: int
    outside: int
    length: int


class Owners(NamedTuple):
    uids: tuple[Range, ...]
    gids: tuple[Range, ...]

    @property
    def is_flat(self) -> bool:
        """Whether there is only one id for everything."""
        return self.uids == self.gids == ()

    def outside(self, uid: int, gid: int) -> tuple[int, int]:
        """What ids of an image are on the machine; those of nobody (65534) for ids beyond a container's."""
        return _outside(self.uids, uid), _outside(self.gids, gid)

    @property
    def sub_uids(self) -> tuple[Range, ...]:
        return tuple(entry for entry in self.uids if entry.inside)


FLAT = Owners((), ())
AS_ROOT = Owners((Range(0, ROOT_BASE, CONTAINER_IDS),), (Range(0, ROOT_BASE, CONTAINER_IDS),))


def _outside(ranges: tuple[Range, ...], number: int) -> int:
    for entry in ranges:
        if entry.inside <= number < entry.inside + entry.length:
            return entry.outside + number - entry.inside
    return _outside(ranges, CONTAINER_IDS - 2) if number != CONTAINER_IDS - 2 else ranges[0].outside


def owners(subuid: Path = Path("/etc/subuid"), subgid: Path = Path("/etc/subgid")) -> Owners:
    """Those of this process's user on this machine."""
    if os.geteuid() == 0:
        return AS_ROOT
    uid, gid = os.geteuid(), os.getegid()
    uids, gids = subordinate(subuid, uid), subordinate(subgid, uid)
    if uids is None or gids is None or not _tools():
        return FLAT
    return Owners((Range(0, uid, 1), uids), (Range(0, gid, 1), gids))


def subordinate(path: Path, uid: int) -> Range | None:
    """The user's first range of subordinate ids that is long enough, as ids 1..65535 of a container."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = ""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        who, _, numbers = line.partition(":")
        first, _, count = numbers.partition(":")
        if who in (name, str(uid)) and first.isdigit() and count.isdigit() and int(count) >= CONTAINER_IDS - 1:
            return Range(1, int(first), CONTAINER_IDS - 1)
    return None


def _tools() -> bool:
    from shutil import which  # noqa: PLC0415 - for ordinary users with subordinate ids only

    return which("newuidmap") is not None and which("newgidmap") is not None


def owners_here() -> Owners:
    """What this process's user namespace can give to containers: that of an agent's predecessor may have less."""
    possible = owners()
    if possible.is_flat or not all(_is_mapped(entry) for entry in possible.uids):
        return FLAT
    return possible


def _is_mapped(wanted: Range) -> bool:
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, length = (int(word) for word in line.split())
        if first <= wanted.outside and wanted.outside + wanted.length <= first + length:
            return True
    return False
