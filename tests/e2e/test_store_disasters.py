"""What a power failure, a disk without inodes and one that became read-only do to the store."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.resources.values.ref import Ref
from mesh.store import Delete, Put, Store, StoreError
from tests.support.places import ROOT
from tests.unit.mesh.store.test_file import put, ref

COMMITS = 40
# SQLite's file format (sqlite.org/fileformat2.html#walformat): a head, and frames of a head and a page each.
WAL_HEAD, FRAME_HEAD, PAGE = 32, 24, 4096

WITHOUT_INODES = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.unit.mesh.store.test_file import put, ref
from mesh.store import Store
folder = Path(sys.argv[1])
store = Store.open(folder / "store.db")
store.commit([put("a")])
try:
    for number in range(1000):
        (folder / f"file-{{number}}").touch()
except OSError as error:
    print(error.strerror)
store.commit([put("b")])
store.close()
again = Store.open(folder / "store.db")
print(sorted(stored.ref.name for stored in again.list("", "ConfigMap")))
again.close()
"""


def _names(path: Path) -> list[str]:
    store = Store.open(path)
    try:
        return [stored.ref.name for stored in store.list("", "ConfigMap")]
    finally:
        store.close()


def _commits(folder: Path) -> list[list[str]]:
    """A folder as a power failure would leave it at the worst: nothing has moved from the write-ahead log to the file
    yet. Returns the names after each commit."""
    store = Store.open(folder / "store.db")
    states: list[list[str]] = [[]]
    for number in range(COMMITS):
        changes: list[Put | Delete] = [put(f"a{number:02}", "x" * 300), put(f"b{number:02}")]
        if number % 3 == 2:
            changes.append(Delete(ref(f"b{number - 1:02}")))
        store.commit(changes)
        states.append([stored.ref.name for stored in store.list("", "ConfigMap")])
    shutil.copytree(folder, folder.parent / "lost")
    store.close()
    return states


@pytest.mark.parametrize("tail", [b"", b"\0" * 9000, b"\xff" * 9000], ids=["cut short", "zeros", "garbage"])
def test_a_power_failure_loses_the_last_commits_at_most_and_never_a_part_of_one(tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "home").mkdir()
    states = _commits(tmp_path / "home")
    log = (tmp_path / "lost" / "store.db-wal").read_bytes()
    frames = (len(log) - WAL_HEAD) // (FRAME_HEAD + PAGE)
    assert frames > COMMITS
    reached = -1
    for frame in range(0, frames + 1, 3):
        # Between two frames, and within one.
        for extra in (0, FRAME_HEAD + 100):
            after = tmp_path / f"after-{frame}-{extra}"
            shutil.copytree(tmp_path / "lost", after)
            (after / "store.db-wal").write_bytes(log[: WAL_HEAD + frame * (FRAME_HEAD + PAGE) + extra] + tail)
            try:
                names = _names(after / "store.db")
            except StoreError:
                # Before the tables' own commit there is no store yet.
                assert frame == 0
                continue
            finally:
                shutil.rmtree(after)
            assert names in states
            # What the disk had before a later commit is there.
            assert states.index(names) >= reached
            reached = states.index(names)
    assert reached >= COMMITS - 2


def test_a_disk_without_inodes_takes_changes(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o nr_inodes=12,size=8m none "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), sys.executable, WITHOUT_INODES]
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespace, no file system of the test's own")
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["No space left on device", "['a', 'b']"]


class _ReadOnly:
    """A database on a file system that the kernel has made read-only, after an error of the disk."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.in_transaction = False

    def execute(self, statement: str, *_: object) -> sqlite3.Cursor:
        if statement.startswith("BEGIN"):
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return self._database.execute(statement)


def test_a_disk_that_became_read_only_refuses_changes_and_takes_them_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "store.db")
    store.commit([put("a")])
    file = store._file
    assert file is not None
    with monkeypatch.context() as patch:
        patch.setattr(file, "_database", _ReadOnly(file._database))
        with pytest.raises(StoreError, match=r"cannot write the store .*readonly"):
            store.commit([put("a", "2"), put("b")])
        stored = store.get(Ref("", "ConfigMap", "mesh", "a"))
        assert stored is not None
        assert stored.body["data"] == {"k": "1"}
    store.commit([put("c")])
    store.close()
    assert _names(tmp_path / "store.db") == ["a", "c"]
