"""A whole mesh for each test (see tests/e2e)."""

from tests.e2e.conftest import mesh, new_mesh

__all__ = ["mesh", "new_mesh"]
