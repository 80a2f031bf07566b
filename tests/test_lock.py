"""The locks are of the requirements that pyproject.toml has."""

from pathlib import Path

import pytest
from tools import lock


def test_the_lock_is_of_this_pyproject_and_names_no_registry() -> None:
    assert lock.main([]) == 0, "run `make lock`"
    assert "://" not in lock.LOCK.read_text()
    assert "://" not in lock.DOCS_LOCK.read_text()


def test_a_lock_of_other_requirements_does_not_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "LOCK", tmp_path / "lock")
    assert lock.main([]) == 1
    lock.LOCK.write_text(f"{lock.FIRST_LINE}0123456789abcdef\nruff==0.1\n")
    assert lock.main([]) == 1
    lock.LOCK.write_text(f"{lock.FIRST_LINE}{lock.digest()}\nruff==0.1\n")
    assert lock.main([]) == 0
