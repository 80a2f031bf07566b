"""What every test may rely on: a socket, pipe or task that it leaves open fails it, and not a later test."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from coverage import Coverage
from hypothesis import settings

from tests.support.places import UNIT

# No test asserts on time: a busy machine is not a fault of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# Most tests' manifests name images that exist nowhere: nothing is to be asked of any registry.
os.environ.setdefault("MESHMALL_IMAGES", "never")


# Whoever started the tests in the background has it ignored, which all programs would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def tidy_module() -> Iterator[None]:
    """What was imported so far is left out of later collections, which makes them cheap (see `tidy`)."""
    gc.collect()
    gc.freeze()
    yield
    gc.collect()


@pytest.fixture(scope="module", autouse=True)
def measured(request: pytest.FixtureRequest) -> Iterator[None]:
    """With --cov, only unit tests are measured: what a whole mesh happens to execute is not tested by that.

    It is the cost, too (see docs/decisions.md).
    """
    coverage = Coverage.current()
    pause = coverage is not None and UNIT not in request.path.parents
    if coverage is not None and pause:
        coverage.stop()
    yield
    if coverage is not None and pause:
        coverage.start()


@pytest.fixture(autouse=True)
def tidy(tidy_module: None) -> Iterator[None]:
    """Collects garbage once everything else of the test has ended.

    A socket in a cycle of references warns when it is collected, which is otherwise whenever Python happens to do so:
    during some other test.
    """
    yield
    gc.collect()
