"""One mesh with the mall for all clients."""

from collections.abc import Iterator

import pytest

from tests.support.mesh import Mesh, meshes


@pytest.fixture(scope="module")
def mall() -> Iterator[Mesh]:
    with meshes() as make:
        mesh = make()
        mesh.up()
        yield mesh
