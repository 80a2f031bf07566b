"""A git branch's name as a Branch's name: readable, valid, and never that of another git branch."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import LONGEST_NAME
from meshmall.cli.branch.names import current_git_branch, object_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fox", "fox"),
        ("feature/new_banner", "feature-new-banner"),
        ("release-1.2", "release-1-2"),
    ],
)
def test_a_plain_name_stays_readable(text: str, name: str) -> None:
    assert object_name(text) == name


@pytest.mark.parametrize("text", ["feature/New_Banner", "a--b", "/a", "x" * (LONGEST_NAME + 1), "ünï"])
def test_a_name_that_could_be_confused_gets_a_hash(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]*-[0-9a-f]{6}", object_name(text))


@given(st.text(max_size=80))
def test_any_text_gives_a_valid_name_or_a_message(text: str) -> None:
    try:
        name = object_name(text)
    except Failure:
        assert not re.search(r"[a-z0-9]", text.lower())
        return
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= LONGEST_NAME
    assert object_name(name) == name


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_the_git_branch_of_the_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(Failure, match="not a git repository"):
        current_git_branch()
    git(tmp_path, "init", "-q", "-b", "feature/fox")
    assert current_git_branch() == "feature/fox"
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    git(tmp_path, "checkout", "-q", "--detach")
    with pytest.raises(Failure, match="detached HEAD"):
        current_git_branch()
