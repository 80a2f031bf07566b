"""Writes that wait for room on the disk."""

import pytest

from mesh.pods import postponed
from mesh.pods.postponed import Postponed, insist
from mesh.store import StoreError
from tests.support.waiting import eventually


class Disk:
    """Refuses the first writes."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.attempts = self.written = 0

    def write(self) -> None:
        self.attempts += 1
        if self.attempts <= self.refusals:
            raise StoreError("database or disk is full")
        self.written += 1


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postponed, "RETRY_SECONDS", 0.01)


async def test_many_changes_are_one_write_which_is_made_once_there_is_room() -> None:
    disk = Disk(2)
    status = Postponed(disk.write, "a status")
    for _ in range(3):
        status.soon()
    await eventually(lambda: disk.written)
    assert (disk.attempts, disk.written) == (3, 1)
    status.soon()
    await eventually(lambda: disk.written == 2)


async def test_what_is_cancelled_is_not_written() -> None:
    disk = Disk(1)
    status = Postponed(disk.write, "a status")
    status.now()
    status.cancel()
    status.cancel()
    other = Postponed(Disk(3).write, "another status")
    other.now()
    await eventually(lambda: other._due is None)
    assert (disk.attempts, disk.written) == (1, 0)


async def test_a_removal_is_insisted_on_until_nobody_wants_it_any_more() -> None:
    disk = Disk(2)
    await insist(disk.write, "a pod", until=lambda: False)
    assert (disk.attempts, disk.written) == (3, 1)
    full = Disk(1000)
    await insist(full.write, "a pod", until=lambda: full.attempts == 2)
    assert (full.attempts, full.written) == (2, 0)
