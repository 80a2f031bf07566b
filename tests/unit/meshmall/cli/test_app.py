"""The command line itself: its commands and their help, without a mesh."""

from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshmall.cli.app import app
from meshmall.cli.full import typer_app

COMMANDS = (
    "analyze", "apply", "branch", "console", "delete", "demo", "down", "get", "load", "logs", "route", "status", "top",
    "trace", "up",
)  # fmt: skip
BRANCH_COMMANDS = ("create", "delete", "dev", "diff", "extend", "list", "open", "render", "run", "show")


def run(*words: str, home: Path | None = None) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "200", **({"MESHMALL_HOME": str(home)} if home else {})}).invoke(
        typer_app(app), words
    )
    return result.exit_code, f"{result.output}{result.exception or ''}"


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version") == (0, f"meshmall {version('mesh-mall')}\n")


@pytest.mark.parametrize("words", [(name,) for name in COMMANDS] + [("branch", name) for name in BRANCH_COMMANDS])
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    code, told = run(*words, "--help")
    assert code == 0
    assert f"{words[-1]} [OPTIONS]" in told


def test_an_unknown_command_or_option_is_refused(tmp_path: Path) -> None:
    assert run("gte")[0] == 2
    code, told = run("get", "pods", "--al", home=tmp_path)
    assert code == 2
    assert "--al" in told


@pytest.mark.parametrize("words", ["get pods", "status", "top", "trace", "branch list", "logs pod-a"])
def test_a_command_that_needs_a_mesh_says_so(tmp_path: Path, words: str) -> None:
    code, told = run(*words.split(), home=tmp_path)
    assert code == 1
    assert f"no mesh is running in {tmp_path}" in told
