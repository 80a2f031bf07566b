"""One mesh with the mall for all clients (see tests/e2e)."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Mesh


@pytest.fixture(scope="module")
def mall() -> Iterator[Mesh]:
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        address = f"127.{random.randint(241, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        mesh = Mesh(Path(folder) / "home", address)
        try:
            mesh.up()
            yield mesh
        finally:
            mesh.run("down")
            assert mesh.processes() == []
