"""A real Envoy, programmed from a store, with tiny servers behind it."""

import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mesh.control.programmer import Programmer
from mesh.envoy.data_plane import DataPlane, DataPlaneSettings
from mesh.routing.world import MeshSettings
from mesh.store import Store
from tests.support.programmed import LONG_NAME, Plane


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=LONG_NAME) as name:
        yield Path(name)


@pytest.fixture
async def plane(home: Path) -> AsyncIterator[Plane]:
    block = f"127.{random.randint(241, 254)}.{random.randint(0, 255)}"
    store = Store.open(None)
    data = DataPlane(home, DataPlaneSettings(concurrency=1))
    await data.start()
    address = f"{block}.254"
    told: list[str] = []
    settings = MeshSettings(gateway_address=address, node_address=address)
    programmer = Programmer(store, data, settings, lambda stored, reason: told.append(f"{stored.ref}: {reason}"))
    await programmer.start()
    plane = Plane(store, data, programmer, block, address, told)
    try:
        yield plane
    finally:
        await programmer.stop()
        await data.stop()
        store.close()
        for server in plane.servers.values():
            await server.stop()
