"""The oldest versions that pyproject.toml allows can be told from it."""

import tomllib

import pytest
from tools.oldest import constraints

from tests.support.places import ROOT


def test_every_dependency_has_a_lower_end() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = list(constraints(dependencies))
    assert len(lines) == len(dependencies)
    assert all("==" in line for line in lines)


def test_a_range_without_one_is_named() -> None:
    assert list(constraints(["a>=1.2", "b == 1.40.*"])) == ["a==1.2", "b==1.40.*"]
    for requirement in ("a", "a<2", "a>=1,<2"):
        with pytest.raises(ValueError, match="is neither NAME>=VERSION"):
            list(constraints([requirement]))
