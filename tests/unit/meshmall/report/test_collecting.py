"""A report of a mesh that does not run."""

from pathlib import Path

from mesh.daemon.home import Home
from meshmall.cli.context import Context
from meshmall.cli.view import View
from meshmall.report.collecting import _tree, collect


def test_a_mesh_that_does_not_run_is_reported_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "daemon.log").write_text("Traceback: it fell\nPASSWORD=hunter22\n")
    (tmp_path / "token").write_text("abcdef\n")
    document = collect(Context(Home(tmp_path), View()))
    assert document.problems == [f"no mesh is running in {tmp_path}"]
    (log,) = document.sections
    assert log.text == "Traceback: it fell\nPASSWORD=[redacted]"
    assert ("Daemon", "not running") in document.summary


def test_a_call_stands_below_the_one_that_it_was_made_for() -> None:
    def span(parent: int | None, service: str) -> dict[str, object]:
        more = {"destination": {}, "method": "GET", "url": "http://x/?q=1", "status": 200, "milliseconds": 1.0}
        return {"parent": parent, "service": service, "problem": "", **more}

    spans = [span(None, "a"), span(0, "b"), span(0, "c"), span(1, "d")]
    lines = list(_tree(spans))
    assert [line.split()[0] for line in lines] == ["a", "b", "d", "c"]
    assert lines[2] == "      d GET http://x/?... 200 1.0 ms"
