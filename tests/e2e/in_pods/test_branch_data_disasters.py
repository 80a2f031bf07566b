"""The daemon is killed while a store is copied, or the disk is full: nothing is left, and nothing stands still."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.ledger import Books
from tests.support.mesh import Mesh, meshes
from tests.support.pod_programs import KUBECTL, PodPrograms
from tests.support.waiting import until

pytestmark = pytest.mark.slow

# How many random moments are tried: MESHMALL_KILLS=20 for all of them.
KILLS = int(os.environ.get("MESHMALL_KILLS", "3"))
# Written to all the time, so that all of it is copied while the pod stands still.
GROW = """
import time
file = open("/data/large", "wb")
file.write(b"x" * {size})
file.flush()
while True:
    file.seek(0)
    file.write(b"y")
    file.flush()
    time.sleep(0.005)
"""


@pytest.fixture
def mesh() -> Iterator[Mesh]:
    if isinstance(verdict := can_use_namespaces(), Unavailable):
        pytest.skip(f"no namespaces here: {verdict.reason}")
    with meshes() as make:
        mesh = make()
        mesh.up("--network", "namespaces", "--empty")
        yield mesh


@pytest.fixture
def books(mesh: Mesh) -> Books:
    programs = PodPrograms(mesh)
    programs.kubectl("create", "namespace", "mesh")
    books = Books(programs)
    books.deploy()
    books.ask("set colour 1")
    return books


def write(mesh: Mesh, megabytes: int) -> "subprocess.Popen[bytes]":
    """A command in the store's pod that keeps writing to a large file; ends with the pod, or when it is killed."""
    programs = PodPrograms(mesh)
    words = ["-n", "mesh", "exec", "ledger-0", "--", "python3", "-c", GROW.format(size=megabytes << 20)]
    process = subprocess.Popen([KUBECTL, *words], env=programs.environment, stdin=subprocess.DEVNULL)
    large = mesh.home / "claims" / "mesh" / "data-ledger-0" / "large"
    until(lambda: large.exists() and large.stat().st_size >= megabytes << 20, 120)
    return process


def create(mesh: Mesh) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "meshmall", "branch", "create", "kim", "--data", "ledger", "--data-clients", "books"]
    words += ["--freeze-limit", "30s"]
    env = {**os.environ, "MESHMALL_HOME": str(mesh.home)}
    return subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stopped(mesh: Mesh) -> list[str]:
    """The pods' processes that stand still."""
    pods = [folder.name for folder in (mesh.home / "pods").iterdir()]
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                command = (folder / "cmdline").read_bytes()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state == "T" and (b"/data/ledger" in command or b"/data/large" in command):
                    found.append(folder.name)
    assert pods
    return found


def daemon(mesh: Mesh) -> int:
    """Its pid; `status` fails while something starts, and says it all the same."""
    return int(json.loads(mesh.run("status", "-o", "json").out)["pid"])


def leftovers(mesh: Mesh) -> list[str]:
    """Folders of copies that no volume names, and freezes that are written down."""
    text = PodPrograms(mesh).ok("get", "pv", "-o", "json")
    named = {volume["spec"]["hostPath"]["path"] for volume in json.loads(text)["items"]}
    copies = mesh.home / "claims" / ".copies"
    found = [str(path) for path in copies.iterdir() if str(path) not in named] if copies.is_dir() else []
    frozen = mesh.home / "run" / "frozen"
    return found + ([str(path) for path in frozen.iterdir()] if frozen.is_dir() else [])


def test_a_pod_resumes_when_the_daemon_is_killed_while_it_is_frozen(mesh: Mesh, books: Books) -> None:
    writing = write(mesh, 300)
    try:
        pid = daemon(mesh)
        creating = create(mesh)
        until(lambda: stopped(mesh), 60)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not stopped(mesh), 30)
        creating.kill()
        creating.wait()
        mesh.up("--network", "namespaces", "--empty")
        # The branch is in the store: its data is copied again, whole, for which the store stands still once more.
        until(lambda: books.branch("kim")["status"].get("phase") == "Ready", 120, lambda: str(books.branch("kim")))
        until(lambda: not stopped(mesh), 30)
        assert leftovers(mesh) == []
        assert books.ask("get colour", "kim") == "1"
    finally:
        writing.kill()
        writing.wait()


def test_killed_at_random_moments_no_half_copy_is_left(mesh: Mesh, books: Books) -> None:
    writing = write(mesh, 100)
    try:
        for _ in range(KILLS):
            pid = daemon(mesh)
            with create(mesh) as creating:
                time.sleep(random.uniform(0.2, 2.5))  # the moment is what is drawn
                os.kill(pid, signal.SIGKILL)
                creating.kill()
            mesh.up("--network", "namespaces", "--empty")
            until(lambda: not stopped(mesh), 30)
            if mesh.run("branch", "show", "kim").code != 1 or "no branch" not in mesh.run("branch", "show", "kim").err:
                until(lambda: books.branch("kim")["status"].get("phase") == "Ready", 120)
                assert books.ask("get colour", "kim") == "1"
                mesh.ok("branch", "delete", "kim")
            until(lambda: leftovers(mesh) == [], 60, lambda: str(leftovers(mesh)))
            assert books.ask("get colour") == "1"
    finally:
        writing.kill()
        writing.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_copy_that_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    if isinstance(verdict := can_use_namespaces(), Unavailable):
        pytest.skip(f"no namespaces here: {verdict.reason}")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        with meshes() as make:
            mesh = make()
            mesh.home = small / "home"
            mesh.up("--network", "namespaces", "--empty")
            programs = PodPrograms(mesh)
            programs.kubectl("create", "namespace", "mesh")
            books = Books(programs)
            books.deploy()
            books.ask("set colour 1")
            with write(mesh, 110) as writing:
                ran = mesh.run("branch", "create", "kim", "--data", "ledger", "--data-clients", "books")
                writing.kill()
            assert ran.code == 1
            assert "the copy needs" in ran.err
            assert "MB left; free some, or put the mesh's home on a file system with reflinks" in ran.err.replace(
                "\n", " "
            )
            assert leftovers(mesh) == []
            assert books.ask("get colour") == "1"
            mesh.ok("down")
    finally:
        subprocess.run(["umount", str(small)], check=True)
