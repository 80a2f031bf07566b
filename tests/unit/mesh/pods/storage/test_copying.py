"""Copies of folders: whole, with modes, links and holes; and what changes between the two passes."""

import os
import socket
import stat
import time
from pathlib import Path

import pytest

from mesh.pods.storage import copying
from mesh.pods.storage.copying import CopyError, Mapped, Progress, TreeCopy, require_space, size_of


def copied(source: Path, target: Path, *, first: bool = True) -> TreeCopy:
    copy = TreeCopy(source, target, Progress())
    if first:
        copy.first_pass(time.time() + 10)
    return copy


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_bytes(b"abc" * 1000)
    (folder / "secret").write_text("s")
    (folder / "secret").chmod(0o600)
    (folder / "link").symlink_to("inner/file")
    (folder / "read-only").mkdir()
    (folder / "read-only" / "file").write_text("x")
    (folder / "read-only").chmod(0o555)
    with (folder / "sparse").open("wb") as file:
        file.seek(64 << 20)
        file.write(b"end")
    return folder


def contents(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): (
            str(path.readlink())
            if path.is_symlink()
            else (stat.S_IMODE(path.stat().st_mode), path.read_bytes() if path.is_file() else None)
        )
        for path in folder.rglob("*")
    }


def test_a_copy_is_equal_and_keeps_holes(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    copied(source, target).second_pass()
    assert contents(target) == contents(source)
    assert size_of(target) < 1 << 20


def test_what_changes_between_the_passes_is_copied_again(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    copy = copied(source, target)
    (source / "inner" / "file").write_bytes(b"new")
    (source / "secret").unlink()
    (source / "link").unlink()
    (source / "link").mkdir()
    (source / "link" / "more").write_text("m")
    before = copy.progress.copied
    copy.second_pass()
    assert contents(target) == contents(source)
    # And nothing else.
    assert copy.progress.copied - before == len(b"new") + len("m")


def test_a_file_that_was_just_written_counts_as_changed(source: Path, tmp_path: Path) -> None:
    copy = TreeCopy(source, tmp_path / "target", Progress())
    copy.first_pass((source / "secret").stat().st_ctime)
    before = copy.progress.copied
    copy.second_pass()
    assert copy.progress.copied > before


def test_a_mapped_file_is_copied_whatever_its_time_says(source: Path, tmp_path: Path) -> None:
    copy = copied(source, tmp_path / "target")
    before = copy.progress.copied
    copy.second_pass(Mapped(frozenset({(source / "secret").stat().st_ino}), frozenset()))
    assert copy.progress.copied - before == 1


def test_sockets_and_links_out_of_the_folder_lead_nowhere(source: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("not the pod's")
    (source / "out").symlink_to(tmp_path / "outside")
    folder = os.open(source, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{folder}/socket")
    os.close(folder)
    target = tmp_path / "target"
    copied(source, target).second_pass()
    assert (target / "out").is_symlink()
    assert not (target / "socket").exists()


def test_a_copy_that_is_told_to_stop_says_why(source: Path, tmp_path: Path) -> None:
    copy = TreeCopy(source, tmp_path / "target", Progress(), lambda: "enough")
    with pytest.raises(CopyError, match="enough"):
        copy.first_pass(time.time())


def test_there_must_be_room(tmp_path: Path) -> None:
    require_space(0, tmp_path)
    with pytest.raises(CopyError, match="MB left; free some"):
        require_space(1 << 60, tmp_path)


def test_files_that_processes_write_to_by_memory_are_found(tmp_path: Path) -> None:
    import mmap  # noqa: PLC0415

    path = tmp_path / "mapped"
    path.write_bytes(b"x" * 4096)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 4096):
        assert copying.mapped_files([os.getpid()]).has("mapped", path.stat())
    assert not copying.mapped_files([os.getpid()]).has("mapped", path.stat())
