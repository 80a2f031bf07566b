"""What the tests of branches share: a real Envoy (see the snapshots' tests) and short ways to write branches."""

from typing import Any

from tests.mesh.envoy.snapshots.conftest import backend, home, place, plane
from tests.mesh.objects import Body, body

__all__ = ["backend", "branch", "home", "place", "plane"]


def branch(name: str, *, enter: list[Body] | None = None, **spec: Any) -> Body:
    """A Branch; services are given by `services={"products": {"fork": {}}}`."""
    return body("Branch", name, group="meshmall.dev", enter=enter or [], **spec)
