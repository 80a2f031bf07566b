"""Options and the environment: which wins, and what is refused."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from meshmall.cli.options import context_of, require_output


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHMALL_HOME", str(tmp_path / "environment"))


def test_a_home_that_is_named_wins_over_the_environment(tmp_path: Path) -> None:
    assert context_of(None).home.path == tmp_path / "environment"
    context = context_of(tmp_path / "own", "mine")
    assert (context.home.path, context.namespace) == (tmp_path / "own", "mine")


def test_a_format_that_a_command_lacks_is_refused() -> None:
    require_output("json", "text", "json", "yaml")
    with pytest.raises(Failure, match="-o xml: use text, json or yaml"):
        require_output("xml", "text", "json", "yaml")
