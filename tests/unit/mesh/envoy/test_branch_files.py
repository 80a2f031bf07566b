"""The files of branches: what is there after each part of a change, and after a daemon that ended half-way."""

from pathlib import Path

import pytest

from mesh.envoy.branch_files import BranchFiles, CannotWrite
from mesh.envoy.encode.branch_records import NO_RECORDS, Record, Records

BOTH = Records(
    {"ann": Record("01", "ann", {"row a": "one"}), "bob": Record("02", "bob", {})},
    {"01": "ann", "02": "bob"},
    {"cookie:user=ann": "ann", "cookie:user=bob": "bob"},
)
CHANGED = Records(
    {"ann": Record("01", "ann", {"row b": "two"})}, {"01": "ann"}, {"cookie:user=ann": "ann", "cookie:user=new": "ann"}
)


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if not path.is_dir()}


def bring(files: BranchFiles, records: Records) -> None:
    files.retire(records)
    files.prepare(records)
    files.finish(records)


def test_each_part_of_a_change_leaves_no_request_without_its_destination(tmp_path: Path) -> None:
    files = BranchFiles(tmp_path)
    bring(files, BOTH)
    assert content(tmp_path) == {
        "name/ann": "01\nann\nrow a\tone\n",
        "name/bob": "02\nbob\n",
        "tag/01": "ann",
        "tag/02": "bob",
        "way/cookie:user=ann": "ann",
        "way/cookie:user=bob": "bob",
    }
    files.retire(CHANGED)
    # Nobody enters bob any more; ann is as before.
    assert content(tmp_path) == {"name/ann": "01\nann\nrow a\tone\n", "tag/01": "ann", "way/cookie:user=ann": "ann"}
    files.prepare(CHANGED)
    # The routes of before and those to come find their rows; the new way waits for the routes.
    assert content(tmp_path)["name/ann"] == "01\nann\nrow a\tone\nrow b\ttwo\n"
    assert "way/cookie:user=new" not in content(tmp_path)
    assert not files.are(CHANGED)
    files.finish(CHANGED)
    assert content(tmp_path)["name/ann"] == "01\nann\nrow b\ttwo\n"
    assert content(tmp_path)["way/cookie:user=new"] == "ann"
    assert files.are(CHANGED)


def test_a_change_that_was_given_up_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    files = BranchFiles(tmp_path)
    bring(files, CHANGED)
    files.retire(BOTH)
    files.prepare(BOTH)
    back = CHANGED._replace(branches=dict(CHANGED.branches))
    bring(files, back)
    expected = tmp_path / "expected"
    bring(BranchFiles(expected), CHANGED)
    written = content(tmp_path)
    assert {name: text for name, text in written.items() if not name.startswith("expected")} == content(expected)


def test_a_daemon_takes_over_the_files_of_its_predecessor(tmp_path: Path) -> None:
    bring(BranchFiles(tmp_path), BOTH)
    successor = BranchFiles(tmp_path)
    successor.retire(CHANGED)
    successor.prepare(CHANGED)
    # It knows what the running Envoy's routes still ask for.
    assert content(tmp_path)["name/ann"] == "01\nann\nrow a\tone\nrow b\ttwo\n"
    successor.finish(CHANGED)
    assert set(content(tmp_path)) == {"name/ann", "tag/01", "way/cookie:user=ann", "way/cookie:user=new"}


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    files = BranchFiles(tmp_path)
    bring(files, BOTH)
    number = (tmp_path / "name" / "bob").stat().st_ino
    bring(files, BOTH._replace(branches={**BOTH.branches, "ann": Record("01", "ann", {})}))
    assert (tmp_path / "name" / "bob").stat().st_ino == number


def test_a_folder_that_takes_no_files_is_reported_and_tried_again(tmp_path: Path) -> None:
    files = BranchFiles(tmp_path)
    files.retire(BOTH)
    obstacle = tmp_path / "new"
    obstacle.mkdir()
    (obstacle / "file").touch()
    with pytest.raises(CannotWrite, match="name/ann"):
        files.prepare(BOTH)
    (obstacle / "file").unlink()
    obstacle.rmdir()
    bring(files, BOTH)
    assert len(content(tmp_path)) == 6


def test_a_place_that_is_no_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "branches").write_text("")
    with pytest.raises(CannotWrite, match="branches"):
        BranchFiles(tmp_path / "branches").retire(NO_RECORDS)


def test_nothing_is_left_at_the_end(tmp_path: Path) -> None:
    files = BranchFiles(tmp_path / "branches")
    files.remove()
    bring(files, BOTH)
    files.remove()
    assert list(tmp_path.iterdir()) == []
