"""The shop's page on a whole mesh, in a real Chromium."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import visitor
from tests.console.conftest import browser as browser  # noqa: PLC0414 - a fixture here too
from tests.console.conftest import mesh_with_branches as mesh_with_branches  # noqa: PLC0414
from tests.e2e.conftest import Mesh

Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, mesh_with_branches: Mesh) -> Iterator[Visit]:
    """Opens a path as somebody; fails when a page of the test told an error, or asked another host."""
    with ExitStack() as stack:

        def open_as(
            user: str = "", path: str = "/", *, expected: str = "", blank: bool = False, **options: object
        ) -> Page:
            watched = stack.enter_context(visitor(browser, expected, **options))
            if user:
                watched.context.add_cookies([{"name": "user", "value": user, "url": mesh_with_branches.gateway}])
            watched.hosts.add(mesh_with_branches.address)
            return watched.open("about:blank" if blank else mesh_with_branches.gateway + path)

        yield open_as
