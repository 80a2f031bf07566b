"""Whole meshes, driven by the `meshmall` command as a person types it."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.mesh import Mesh, meshes


@pytest.fixture
def new_mesh() -> Iterator[Callable[[], Mesh]]:
    """Makes meshes that end with the test."""
    with meshes() as make:
        yield make


@pytest.fixture
def mesh(new_mesh: Callable[[], Mesh]) -> Mesh:
    """A mesh that is not up yet."""
    return new_mesh()


@pytest.fixture(scope="module")
def demo() -> Iterator[Mesh]:
    """One mesh with both branches, for tests that leave it as it was."""
    with meshes() as make:
        mesh = make()
        mesh.up(command="demo")
        yield mesh
