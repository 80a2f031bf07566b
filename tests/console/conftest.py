"""The console's page in a real browser: on a whole mesh, and on a stand-in."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium, visitor
from tests.console.stand_in import StandIn, mall
from tests.e2e.conftest import Mesh

FOX = ["--fork", "discount", "--env", "discount:BANNER=true", "--fork", "products", "--env", "products:FAVORITES=true"]
NEW = ["--new", "favorites:7000=python -m mall.favorites"]
JASON = ["--fork", "recommend", "--env", "BANNER=true"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@dataclass
class Served:
    """A mesh with jason's and fox's branches, and how a browser that was let in opens its console."""

    mesh: Mesh
    open: Callable[..., Page]


@pytest.fixture(scope="module")
def mesh_with_branches() -> Iterator[Mesh]:
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        address = f"127.{random.randint(241, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        mesh = Mesh(Path(folder) / "home", address)
        try:
            mesh.up()
            mesh.ok("branch", "create", "jason", "--cookie", "user=jason", *JASON)
            mesh.ok("branch", "create", "fox", "--cookie", "user=fox", *FOX, *NEW)
            yield mesh
        finally:
            mesh.run("down")
            assert mesh.processes() == []


@pytest.fixture
def served(browser: Browser, mesh_with_branches: Mesh) -> Iterator[Served]:
    """Fails when a page of the test told an error, or asked another host."""
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
    made = mall()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def at(browser: Browser, stand_in: StandIn) -> Iterator[Callable[..., Page]]:
    """Opens the stand-in's console at a place of it."""
    with ExitStack() as stack:

        def open_at(where: str = "", **options: Any) -> Page:
            return stack.enter_context(visitor(browser, **options)).open(f"{stand_in.url}{where}")

        yield open_at
