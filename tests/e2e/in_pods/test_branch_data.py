"""A branch with data of its own: nobody else notices, and nothing is left when the branch is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ledger import Books
from tests.support.mesh import Mesh
from tests.support.pod_programs import PodPrograms
from tests.support.waiting import until


@pytest.fixture(scope="module")
def books(running: Mesh) -> Iterator[Books]:
    """The store `ledger` with one entry, and the service `books` that uses it."""
    with PodPrograms(running) as programs:
        books = Books(programs)
        books.deploy()
        books.ask("set colour 1")
        yield books


def copies(mesh: Mesh) -> list[str]:
    """What there is of branches' copies on the disk."""
    folder = mesh.home / "claims" / ".copies"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_branch_has_its_own_data_and_leaves_nothing(running: Mesh, books: Books) -> None:
    out = running.ok("branch", "create", "kim", "--data", "ledger", "--data-clients", "books")
    try:
        assert "client    books: uses ledger (--data-clients)" in out
        assert "ledger: copy of StatefulSet/ledger" in out
        assert [name.partition("-")[2] for name in copies(running)] == ["data-ledger-kim-0"]
        assert books.ask("get colour", "kim") == "1"
        books.ask("set colour 2", "kim")
        books.ask("set size 10")
        assert (books.ask("sum"), books.ask("sum", "kim")) == ("11", "2")
        shown = running.ok("branch", "show", "kim")
        assert "statefulset/ledger-kim (1/1)" in shown
        store = books.branch("kim")["status"]["data"][0]
        assert (store["phase"], store["workload"]) == ("Ready", "StatefulSet/ledger")
        assert store["frozenMilliseconds"] > 0
        running.ok("branch", "data", "reset", "kim")
        assert books.ask("sum", "kim") == "11"
    finally:
        running.ok("branch", "delete", "kim")
    until(lambda: not copies(running), 60, lambda: str(copies(running)))
    assert books.ask("sum") == "11"
    # A pod that stood still is no pod that failed: nobody has restarted it.
    assert books.restarts() == [0, 0]


@pytest.mark.slow
def test_an_empty_store_and_a_command_that_fills_it(running: Mesh, books: Books) -> None:
    fill = (
        "ledger=python3 -c \"import socket; socket.create_connection(('127.0.0.1', 9000)).sendall(b'set seed 5\\n')\""
    )
    running.ok("branch", "create", "kim", "--data", "ledger=empty", "--data-clients", "books", "--data-after", fill)
    try:
        until(lambda: books.ask("sum", "kim") == "5", 60)
    finally:
        running.ok("branch", "delete", "kim")


@pytest.mark.slow
def test_a_command_that_fails_shows_its_output_and_leaves_no_branch(running: Mesh, books: Books) -> None:
    ran = running.run("branch", "create", "kim", "--data", "ledger", "--data-before", "ledger=echo locked; exit 3")
    assert ran.code == 1
    assert "the command before copying StatefulSet/ledger ended with 3 in pod ledger-0: sh -c echo locked; exit 3" in (
        ran.err
    )
    assert "locked" in ran.err
    assert running.run("branch", "show", "kim").code == 1
    until(lambda: not copies(running), 60, lambda: str(copies(running)))
    assert books.ask("get colour") == "1"


def test_what_cannot_be_copied_is_refused(running: Mesh, books: Books) -> None:
    assert books.ask("get colour") == "1"
    ran = running.run("branch", "create", "kim", "--data", "leger")
    assert (ran.code, "there is no Service or workload 'leger'" in ran.err) == (1, True)
    assert 'did you mean "ledger"?' in ran.err
    ran = running.run("branch", "create", "kim", "--data", "books")
    assert "Deployment/books has no volumes: there is no data to copy; fork it instead" in ran.err
    assert not Path(running.home / "claims" / ".copies").glob("*-kim-*") or copies(running) == []


@pytest.mark.slow
def test_a_snapshot_is_restored_for_everybody_and_begins_a_branch(running: Mesh, books: Books) -> None:
    books.ask("set amount 3")
    total = books.ask("sum")
    assert "Snapshot before of ledger" in running.ok("snapshot", "create", "before", "--data", "ledger")
    try:
        assert running.ok("snapshot", "list", "-o", "name") == "before\n"
        books.ask("set amount 1000")
        assert running.run("snapshot", "create", "before", "--data", "ledger").code == 1
        running.ok("branch", "create", "kim", "--data", "ledger=before", "--data-clients", "books")
        try:
            assert books.ask("sum", "kim") == total
        finally:
            running.ok("branch", "delete", "kim")
        assert "Restored ledger to snapshot before" in running.ok("snapshot", "restore", "before")
        until(lambda: books.ask("sum") == total, 60)
        assert not list((running.home / "claims" / "mesh").glob("*restor*"))
    finally:
        running.ok("snapshot", "delete", "before")
    assert "there is no snapshot 'before' in namespace mesh" in running.run("snapshot", "restore", "before").err


@pytest.mark.slow
def test_what_a_branch_changed(running: Mesh, books: Books) -> None:
    running.ok("branch", "create", "kim", "--data", "ledger", "--data-clients", "books")
    try:
        assert "ledger (files): no difference" in running.ok("branch", "data", "diff", "kim")
        books.ask("set only 1", "kim")
        ran = running.run("branch", "data", "diff", "kim")
        assert ran.code == 1
        assert "ledger  +1 -1" in ran.out
    finally:
        running.ok("branch", "delete", "kim")
