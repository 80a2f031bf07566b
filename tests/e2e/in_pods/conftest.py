"""One mesh whose pods have namespaces of their own, for tests that use it from outside and inside."""

from collections.abc import Iterator

import pytest

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.mesh import Mesh, meshes
from tests.support.pod_programs import PodPrograms


@pytest.fixture(scope="package")
def running() -> Iterator[Mesh]:
    """The mall's mesh. Tests leave it as it was."""
    if isinstance(verdict := can_use_namespaces(), Unavailable):
        pytest.skip(f"no namespaces here: {verdict.reason}")
    with meshes() as make:
        mesh = make()
        mesh.up("--network", "namespaces")
        yield mesh


@pytest.fixture
def programs(running: Mesh) -> Iterator[PodPrograms]:
    """Pods that end with the test."""
    with PodPrograms(running) as programs:
        yield programs
