"""One mesh for the tests of a module: they try things, and leave it as it was."""

from collections.abc import Iterator

import pytest

from tests.support.mesh import meshes
from tests.with_namespaces.mesh.attempts import Yard


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    with meshes() as make:
        yard = Yard(make())
        yard.up()
        yield yard
