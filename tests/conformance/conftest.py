"""One Envoy with its pods for a module's tests, and the loop it lives in."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.conformance.rig import Rig


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as held:
        yield held


@pytest.fixture(scope="module")
def rig(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    held = Rig(tmp_path_factory.mktemp("rig"))
    runner.run(held.start())
    try:
        yield held
    finally:
        runner.run(held.stop())
