"""The console's and the shop's pages in a real Chromium: on a whole mesh, and on a stand-in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import Served, Visit, chromium, visitor
from tests.support.console import StandIn, mall
from tests.support.mesh import Mesh, meshes

FOX = ["--fork", "discount", "--env", "discount:BANNER=true", "--fork", "products", "--env", "products:FAVORITES=true"]
NEW = ["--new", "favorites:7000=python -m mall.favorites"]
JASON = ["--fork", "recommend", "--env", "BANNER=true"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def mesh_with_branches() -> Iterator[Mesh]:
    with meshes() as make:
        mesh = make()
        mesh.up()
        mesh.ok("branch", "create", "jason", "--cookie", "user=jason", *JASON)
        mesh.ok("branch", "create", "fox", "--cookie", "user=fox", *FOX, *NEW)
        yield mesh


@pytest.fixture
def served(browser: Browser, mesh_with_branches: Mesh) -> Iterator[Served]:
    """Fails when a page of the test reported an error, or sent a request to another host."""
    with ExitStack() as stack:

        def open_at(where: str = "", **options: Any) -> Page:
            watched = stack.enter_context(visitor(browser, **options))
            url = mesh_with_branches.ok("console", "--print").split()[0]
            page = watched.open(url)
            if where:
                page.goto(f"http://{urlsplit(url).netloc}/{where}")
            return page

        yield Served(mesh_with_branches, open_at)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    console = mall()
    try:
        yield console
    finally:
        console.close()


@pytest.fixture
def at(browser: Browser, stand_in: StandIn) -> Iterator[Callable[..., Page]]:
    """Opens the stand-in's console at a place of it."""
    with ExitStack() as stack:

        def open_at(where: str = "", **options: Any) -> Page:
            return stack.enter_context(visitor(browser, **options)).open(f"{stand_in.url}{where}")

        yield open_at


@pytest.fixture
def visit(browser: Browser, mesh_with_branches: Mesh) -> Iterator[Visit]:
    """Opens a path of the shop as somebody; fails when a page reported an error, or sent a request to another host."""
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
