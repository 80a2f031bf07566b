"""`meshmall report` writes one file, whose name says the format."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.daemon.home import Home
from meshmall.cli.context import Context
from meshmall.cli.report import write_report
from meshmall.cli.view import View


def test_the_name_says_the_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = Context(Home(tmp_path / "home"), View())
    write_report(context, str(tmp_path / "r.html"))
    write_report(context, str(tmp_path / "r.md"))
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "r.md").read_text().startswith("# meshmall report")
    assert capsys.readouterr().out == f"wrote {tmp_path}/r.html: 1 problem\nwrote {tmp_path}/r.md: 1 problem\n"
    write_report(context, "-")
    assert "## Problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [("r.pdf", '--output "r.pdf": a report is .html, .htm, .md'), ("none/r.md", "No such file or directory")],
)
def test_what_cannot_be_written_is_said(
    tmp_path: Path, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Failure, match=message):
        write_report(Context(Home(tmp_path / "home"), View()), name)
