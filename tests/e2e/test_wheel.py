"""The wheel: built, installed into an empty environment and run from an empty folder."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.mesh import BASELINE, FOX, JASON, Mesh, seen
from tests.support.places import ROOT

INSTALL_LIMIT = 300.0


def ran(*words: str | Path, cwd: Path, environ: dict[str, str] | None = None) -> str:
    """Runs a command that must succeed; returns its standard output."""
    ended = subprocess.run(
        words, cwd=cwd, env=environ, capture_output=True, text=True, timeout=INSTALL_LIMIT, check=False
    )
    assert ended.returncode == 0, f"{words}: {ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    ran(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("mesh_mall-*.whl")
    return built


def test_the_wheel_has_every_file_that_the_checkout_runs_with(wheel: Path) -> None:
    tracked = ran("git", "ls-files", "src", "deploy", cwd=ROOT).split()
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {
        f"meshmall/{name}" if name.startswith("deploy/") else name.removeprefix("src/") for name in tracked
    }


@pytest.mark.slow
def test_the_wheel_runs_the_demo_from_an_empty_folder(
    wheel: Path, tmp_path: Path, new_mesh: Callable[[], Mesh]
) -> None:
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    empty.mkdir()
    ran(sys.executable, "-m", "venv", environment, cwd=empty)
    ran(environment / "bin" / "pip", "install", "-q", "--disable-pip-version-check", wheel, cwd=empty)
    mesh = new_mesh()
    # Nothing of this checkout or of its virtual environment: only what a shell without either would have.
    environ = {"PATH": os.defpath, "HOME": str(empty), "MESHMALL_HOME": str(mesh.home)}
    command = environment / "bin" / "meshmall"

    assert ran(command, "--version", cwd=empty, environ=environ).startswith("meshmall ")
    said = ran(command, "demo", "--address", mesh.address, cwd=empty, environ=environ)

    assert f"What each user sees at {mesh.gateway}/" in said
    assert seen(mesh.mall("user=jason")) == JASON
    assert seen(mesh.mall("user=fox")) == FOX
    assert seen(mesh.mall("user=xx")) == BASELINE
    ran(command, "down", cwd=empty, environ=environ)
    assert list(empty.iterdir()) == []
