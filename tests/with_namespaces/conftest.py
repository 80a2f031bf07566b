"""These tests need namespaces: where the machine forbids them they are skipped, with the reason."""

import pytest

from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if "with_namespaces" in item.path.parts]
    if here and isinstance(verdict := can_use_namespaces(), Unavailable):
        for item in here:
            item.add_marker(pytest.mark.skip(reason=f"no namespaces here: {verdict.reason}"))
