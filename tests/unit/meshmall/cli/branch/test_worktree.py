"""Which folder of a git worktree stands for the baseline's: with a real repository."""

import subprocess
from pathlib import Path

import pytest

from meshmall.cli.branch.worktree import Worktrees, worktrees


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With services/orders/app.py in its first commit."""
    root = (tmp_path / "repo").resolve()
    (root / "services" / "orders").mkdir(parents=True)
    (root / "services" / "orders" / "app.py").write_text("print('main')\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


def test_a_path_of_the_main_worktree_has_its_counterpart(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", "-b", "feature/banner", str(tree))
    monkeypatch.chdir(tree / "services")
    trees = worktrees()
    assert trees == Worktrees(tree.resolve(), (repository,))
    assert trees is not None
    assert trees.counterpart(f"{repository}/services/orders") == f"{tree.resolve()}/services/orders"
    assert trees.counterpart(str(repository)) == str(tree.resolve())
    assert trees.counterpart(f"{repository}/missing") == ""
    assert trees.counterpart(f"{repository}-2/services") == ""
    assert trees.counterpart("/usr/bin/python3") == ""
    assert trees.counterpart(f"{tree.resolve()}/services") == ""


def test_one_worktree_or_none_replaces_nothing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    assert worktrees() is None
    monkeypatch.chdir(tmp_path)
    assert worktrees() is None


def test_a_worktree_inside_another_is_the_one_that_is_meant(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    (tmp_path / "tree" / "app").mkdir(parents=True)
    trees = Worktrees(tmp_path / "tree", (tmp_path, inner))
    assert trees.counterpart(str(inner / "app")) == str(tmp_path / "tree" / "app")
