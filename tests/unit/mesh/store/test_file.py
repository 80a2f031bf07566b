"""What is kept on disk, and what happens when the disk, or somebody, does harm."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.resources.values.ref import Ref
from mesh.store import Damaged, Delete, Put, Store, StoreError
from tests.support.places import ROOT


def put(name: str, value: str = "1", kind: str = "ConfigMap") -> Put:
    body = {"apiVersion": "v1", "kind": kind, "metadata": {}, "data": {"k": value}}
    return Put(Ref("", kind, "mesh", name), body)


def ref(name: str, kind: str = "ConfigMap") -> Ref:
    return Ref("", kind, "mesh", name)


def test_objects_and_versions_are_there_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    store.commit([put("a"), put("b"), put("c")])
    store.commit([put("a", "2"), Delete(ref("b"))])
    before = [configmap.body for configmap in store.list("", "ConfigMap")]
    version = store.version
    store.close()
    again = Store.open(path)
    assert [configmap.body for configmap in again.list("", "ConfigMap")] == before
    assert again.version >= version
    (later,) = again.commit([put("d")])
    assert later.version > version
    again.close()


def test_events_do_not_outlive_the_daemon_and_their_versions_are_not_given_again(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    child = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from mesh.resources.values.ref import Ref\n"
        "from mesh.store import Put, Store\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "body = {'apiVersion': 'v1', 'kind': 'Event', 'metadata': {}}\n"
        "for n in range(50): store.commit([Put(Ref('', 'Event', 'mesh', f'p{n}'), body)])\n"
        "print(store.version, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", child, str(path)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store.open(path)
    assert store.list("", "Event") == []
    assert store.version >= int(done.stdout)
    store.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    store.commit([put("a")])
    assert {oct(item.stat().st_mode & 0o777) for item in tmp_path.iterdir()} == {"0o600"}
    store.close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    child = "import sys; from pathlib import Path; from mesh.store import Store; Store.open(Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", child, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Locked: the store {path} is open in another process" in done.stderr
    store.commit([put("a")])
    store.close()
    Store.open(path).close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 40, b"x"])
def test_a_file_that_is_no_store_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"store\.db is damaged.*move the file away"):
        Store.open(path)
    assert path.read_bytes() == content


def test_a_file_that_was_overwritten_in_the_middle_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    store.commit([put(f"a{n}", "x" * 500) for n in range(200)])
    store.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(8192))
    with pytest.raises(Damaged, match=r"store\.db"):
        Store.open(path).close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    path = tmp_path / "store.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(Damaged, match="format 99"):
        Store.open(path)


def test_a_home_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot open the store .*nowhere/store\.db: No such file"):
        Store.open(tmp_path / "nowhere" / "store.db")


def test_a_full_disk_refuses_the_change_and_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    child = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.unit.mesh.store.test_file import put, ref
from mesh.store import Store, StoreError
store = Store.open(Path(sys.argv[1]))
store.commit([put("a")])
version = store.version
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    store.commit([put("a", "2"), put("big", "x" * 1_000_000)])
except StoreError as error:
    print(error)
assert store.version == version
assert store.get(ref("a")).body["data"] == {{"k": "1"}}
assert store.get(ref("big")) is None
store.commit([put("small")])
"""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", child, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"cannot write the store {path}" in done.stdout
    store = Store.open(path)
    assert [configmap.ref.name for configmap in store.list("", "ConfigMap")] == ["a", "small"]
    store.close()


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    child = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.unit.mesh.store.test_file import put
from mesh.store import Store
store = Store.open(Path(sys.argv[1]))
n = len(store.list("", "ConfigMap"))
while True:
    store.commit([put(f"a{{n}}", str(n)), put("last", str(n))])
    print(n, flush=True)
    n += 1
"""
    path = tmp_path / "store.db"
    for round_ in range(4):
        with subprocess.Popen([sys.executable, "-c", child, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(20 + 37 * round_):
                acknowledged = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split(b"\n")
            acknowledged = max([acknowledged, *(int(line) for line in rest[:-1])])
        store = Store.open(path)
        last = store.get(ref("last"))
        assert last is not None
        reached = int(last.body["data"]["k"])
        assert reached in (acknowledged, acknowledged + 1)
        assert store.get(ref(f"a{reached}")) is not None
        assert store.get(ref(f"a{reached + 1}")) is None
        store.close()
