"""The records of Envoys: which of them outlived their daemon, and which are ended."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.envoy.process.records import Record, end, path_of, reap, survive
from mesh.procfs import start_time


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


@pytest.fixture
def program() -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def record(pid: int, place: str = "here") -> Record:
    return Record(pid, start_time(pid) or 0, "digest", place)


def test_a_record_is_what_was_written(home: Path) -> None:
    record(os.getpid()).write(path_of(home, "envoy"))
    assert Record.read(path_of(home, "envoy")) == record(os.getpid())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"pid": "x", "started": 1}', '{"pid": 1}'])
def test_what_is_no_record_is_none(home: Path, text: str) -> None:
    path_of(home, "envoy").write_text(text)
    assert Record.read(path_of(home, "envoy")) is None
    assert not end(path_of(home, "envoy"))


@pytest.mark.parametrize(
    ("envoy", "edge", "place", "expected"),
    [
        ("here", "here", "here", True),
        ("here", "here", "there", False),
        ("here", "there", "here", False),
        ("here", None, "here", False),
        (None, None, "here", False),
    ],
)
def test_envoys_survive_together_and_at_their_place(
    home: Path, envoy: str | None, edge: str | None, place: str, expected: bool
) -> None:
    for name, where in (("envoy", envoy), ("edge", edge)):
        if where is not None:
            record(os.getpid(), where).write(path_of(home, name))
    assert survive(home, place) is expected


def test_a_pid_that_was_reused_is_nobody_s(home: Path) -> None:
    for name in ("envoy", "edge"):
        Record(os.getpid(), 1, "digest", "here").write(path_of(home, name))
    assert not survive(home, "here")
    assert not reap(home)
    assert not path_of(home, "envoy").exists()


def test_what_runs_is_ended_once(home: Path, program: "subprocess.Popen[bytes]") -> None:
    record(program.pid).write(path_of(home, "edge"))
    assert reap(home)
    assert program.wait(30) != 0
    assert not reap(home)


def test_a_record_that_cannot_be_removed_is_left(home: Path, program: "subprocess.Popen[bytes]") -> None:
    path = path_of(home, "envoy")
    record(program.pid).write(path)
    read_only = home / "run"
    read_only.chmod(0o500)
    try:
        assert end(path)
    finally:
        read_only.chmod(0o700)
    assert program.wait(30) != 0
