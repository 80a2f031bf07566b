"""Real databases and queues under write load: a copy is consistent, and nobody's operation fails.

One copy of each here; the full set is `python -m bench.data --clones 20 --megabytes 500`.
"""

from pathlib import Path

import pytest
from bench.data import measure

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.engines import ENGINES


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_copy_under_load_is_consistent(name: str, tmp_path: Path) -> None:
    if isinstance(verdict := can_use_namespaces(), Unavailable):
        pytest.skip(f"no namespaces here: {verdict.reason}")
    if missing := ENGINES[name].missing():
        pytest.skip(f"{', '.join(missing)} is not installed")
    figures = measure(ENGINES[name], tmp_path, clones=1, megabytes=2)
    assert (figures["verdicts"], figures["load"]["failed"], figures["failures"]) == (["consistent"], 0, [])
