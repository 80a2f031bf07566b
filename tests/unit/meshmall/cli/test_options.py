"""Options before the command, after it, and in the environment: which wins."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from meshmall.cli.options import COMMON, Common, context_of, require_output


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHMALL_HOME", str(tmp_path / "environment"))


def test_a_command_s_own_options_win_over_those_before_it(tmp_path: Path) -> None:
    assert context_of(None).home.path == tmp_path / "environment"
    token = COMMON.set(Common(tmp_path / "before", "shop"))
    try:
        context = context_of(None)
        assert (context.home.path, context.namespace) == (tmp_path / "before", "shop")
        context = context_of(tmp_path / "own", "mine")
        assert (context.home.path, context.namespace) == (tmp_path / "own", "mine")
    finally:
        COMMON.reset(token)


def test_a_format_that_a_command_lacks_is_refused() -> None:
    require_output("json", "text", "json", "yaml")
    with pytest.raises(Failure, match="-o xml: use text, json or yaml"):
        require_output("xml", "text", "json", "yaml")
