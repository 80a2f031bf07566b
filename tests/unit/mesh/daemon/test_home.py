"""The home of a mesh: whose it is, what it remembers, and whether a daemon runs in it."""

import json
import os
from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.daemon.home import Home, Settings, default_home
from mesh.procfs import start_time


def test_the_environment_says_where_the_home_is(tmp_path: Path) -> None:
    assert default_home({"MESHMALL_HOME": str(tmp_path), "XDG_STATE_HOME": "/other"}) == tmp_path
    assert default_home({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "meshmall"
    assert default_home({}).parts[-3:] == (".local", "state", "meshmall")


def test_settings_are_remembered_and_unknown_ones_left_out(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert home.settings() == Settings()
    home.save(Settings(gateway_port=9000))
    assert home.settings() == Settings(gateway_port=9000)
    home.settings_file.write_text(json.dumps({"gateway_port": 9001, "of_a_newer_version": 1}))
    assert home.settings(Settings(gateway_port=1)).gateway_port == 9001
    home.settings_file.write_text("{")
    assert home.settings(Settings(gateway_port=1)).gateway_port == 1


def test_a_daemon_runs_when_its_process_is_still_the_one_that_registered(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    assert home.running() is None
    with pytest.raises(Failure, match="no mesh is running in"):
        home.require_running()
    home.register()
    running = home.require_running()
    assert (running.pid, running.started) == (os.getpid(), start_time(os.getpid()))
    home.daemon_file.write_text(json.dumps({"pid": os.getpid(), "started": running.started - 1}))
    assert home.running() is None
    home.daemon_file.write_text("[]")
    assert home.running() is None


def test_a_home_has_one_daemon(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    lock = home.lock()
    with pytest.raises(Failure, match="already running"):
        home.lock()
    os.close(lock)
    os.close(home.lock())


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot write to the mesh's home"):
        Home(tmp_path / "file").prepare()


def test_a_home_of_another_user_is_refused_also_to_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    home.require_own()
    Home(tmp_path / "missing").require_own()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(Failure, match=r"belongs to .*, and you are ") as caught:
        home.prepare()
    assert "--home" in caught.value.remedy
    assert not home.daemon_log.parent.exists()
