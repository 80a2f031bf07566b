"""A store and a PodManager with real processes, in a home of the test's own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mesh.pods.host.leftovers import reap_leftovers
from mesh.pods.host.pod_processes import pod_processes
from tests.support.yard import FAST, Yard, yard_of


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that must be left without a process."""
    yield tmp_path
    left = list(pod_processes(tmp_path))
    reap_leftovers(tmp_path)
    assert left == []


@pytest.fixture
async def yard(home: Path) -> AsyncIterator[Yard]:
    async with yard_of(home, FAST) as made:
        yield made
