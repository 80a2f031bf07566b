"""A real Envoy in a home of the test's own, and small backends."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from mesh.envoy.data_plane import DataPlane, DataPlaneSettings
from mesh.pods.host.addresses import Block
from tests.support.data_plane import Backend, PatientPlane, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A network of the test's own, taken as a mesh takes its own."""
    block = Block.claim(tmp_path / "claimed")
    yield Place(f"127.{block.number}")
    block.release_all()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose sockets' paths are longer than a Unix socket's may be."""
    folder = tmp_path / ("a-home-of-a-very-long-name-" * 4) / "home"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
async def plane(home: Path) -> AsyncIterator[DataPlane]:
    held = PatientPlane(home, DataPlaneSettings(concurrency=1))
    await held.start()
    try:
        yield held
    finally:
        await held.stop()


@pytest.fixture
async def backend(place: Place) -> AsyncIterator[Callable[[str], Any]]:
    """Starts backends: `await backend("v1")`."""
    async with AsyncExitStack() as stack:

        async def start(name: str) -> Backend:
            held = Backend(name, place.address())
            await held.start()
            stack.push_async_callback(held.stop)
            return held

        yield start
