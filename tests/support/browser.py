"""A real Chromium for tests of pages: Debian's, or the one that playwright has installed; without any they are skipped.

A browser lives as long as a module's tests: playwright's loop stays entered meanwhile, so that no asynchronous test may
run beside it. Such a module has none.
"""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.support.mesh import Mesh

NAMES = ("chromium", "chromium-browser", "google-chrome")
LIMIT_MS = 30_000
COUNTED = ("moderate", "serious", "critical")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; skips the test when there is none."""
    with sync_playwright() as playwright:
        path = next((found for name in NAMES if (found := shutil.which(name))), None)
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"no Chromium: {error.message.splitlines()[0]}")
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """Pages of one visitor, and what they did that no page should: told as errors, or asked of another host."""

    context: BrowserContext
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, url: str) -> Page:
        self.hosts.add(urlsplit(url).hostname or "")
        page = self.context.new_page()
        page.set_default_timeout(LIMIT_MS)
        page.on("console", lambda told: self.errors.append(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        page.goto(url)
        return page

    def _asked(self, url: str) -> None:
        found = urlsplit(url)
        if found.scheme not in ("data", "blob") and found.hostname not in self.hosts:
            self.foreign.append(url)


@contextmanager
def visitor(browser: Browser, expected: str = "", **options: Any) -> Iterator[Watched]:
    """A visitor with own cookies; `options` are playwright's of a context. Fails when a page misbehaved.

    `expected` is a part of errors that belong to what is tested, as a refused request.
    """
    context = browser.new_context(**options)
    watched = Watched(context)
    try:
        yield watched
    finally:
        context.close()
    assert [error for error in watched.errors if not expected or expected not in error] == []
    assert watched.foreign == []


@cache
def _axe() -> str:
    """axe-core's script, as the wheel of axe-playwright-python carries it."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "axe.min.js").read_text()


def faults(page: Page) -> list[str]:
    """What axe finds of moderate impact and above, each with the elements that have it."""
    page.evaluate(_axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {[(node['html'][:200], node['failureSummary']) for node in violation['nodes'][:3]]}"
        for violation in found["violations"]
        if violation["impact"] in COUNTED
    ]


@dataclass
class Served:
    """A mesh with jason's and fox's branches, and how a browser that was let in opens its console."""

    mesh: Mesh
    open: Callable[..., Page]


# Opens a path of the shop as somebody.
Visit = Callable[..., Page]
