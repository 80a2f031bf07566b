"""The console with 1,000 branches and 10,000 requests: the reaction to a click in a real Chromium.

Part of `make bench`; skipped without Chromium.
"""

import asyncio
import gzip
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.load import load
from bench.machine import ADDRESS, ROUNDS, meshmall
from mesh.client.api import Client

BRANCHES, REQUESTS = 1_000, 10_000
VIEWS = ("topology", "branches", "requests", "workloads", "rules")
STATIC = Path(__file__).parents[1] / "src" / "mesh" / "console" / "static"
AIM_MS = 200
SHOWN = ".node, .rows .row, .rules-table tr"
# Milliseconds from the click to the frame after the one with the expected element.
CLICK = """async ([clicked, wanted]) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const begun = performance.now();
  document.querySelector(clicked).click();
  do await frame(); while (!document.querySelector(wanted));
  await frame();
  return performance.now() - begun;
}"""
LONG = """() => { window.long = [];
  new PerformanceObserver((list) => list.getEntries().forEach((each) => window.long.push(each.duration)))
    .observe({ entryTypes: ["longtask"] }); }"""
Json = dict[str, Any]


def branch(number: int) -> Json:
    """A branch that differs by the version of two services."""
    name = f"b{number:04d}"
    return {
        "apiVersion": "meshmall.dev/v1",
        "kind": "Branch",
        "metadata": {"name": name, "namespace": "mesh"},
        "spec": {
            "enter": [{"cookie": {"name": "user", "value": name}}],
            "services": {"discount": {"version": "v1"}, "products": {"version": "v1"}},
        },
    }


async def measure() -> Json | None:
    """All of it, as it is written to `console.json`; None without a Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        await asyncio.to_thread(meshmall, home, "up", "--address", ADDRESS)
        try:
            client = Client(home)
            await asyncio.to_thread(client.apply, [branch(number) for number in range(BRANCHES)], namespace="mesh")
            sent = 0
            while sent < REQUESTS:
                sent += (await load(ADDRESS, 8080, "/", "user=b0007", 8, 2.0)).count
            url = (await asyncio.to_thread(meshmall, home, "console", "--print")).split()[0]
            coming = asyncio.create_task(_visits())
            try:
                return await _browse(chromium, url)
            finally:
                coming.cancel()
                client.close()
        finally:
            await asyncio.to_thread(meshmall, home, "down")


async def _visits() -> None:
    """A page every tenth of a second, each of another branch."""
    for number in range(100_000):
        await load(ADDRESS, 8080, "/api/mall", f"user=b{number % BRANCHES:04d}", 1, 0)
        await asyncio.sleep(0.1)


async def _browse(chromium: str, url: str) -> Json:
    from playwright.async_api import async_playwright  # noqa: PLC0415

    clicks: dict[str, list[float]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(url)
        await page.wait_for_selector(SHOWN)
        await page.evaluate(LONG)
        for _ in range(ROUNDS):
            for view in VIEWS:
                wanted = ", ".join(f".view.{view} {part}" for part in SHOWN.split(", "))
                clicks.setdefault(view, []).append(await page.evaluate(CLICK, [f"nav a[href^='#/{view}']", wanted]))
            await page.click("nav a[href^='#/branches']")
            await page.wait_for_selector(".rows .row")
            clicked = await page.evaluate(CLICK, [".rows .row", "aside.side"])
            clicks.setdefault("a branch's details", []).append(clicked)
            await page.click("nav a[href^='#/requests']")
            await page.wait_for_selector(".rows .row")
            clicked = await page.evaluate(CLICK, [".rows .row:nth-child(12)", ".hop"])
            clicks.setdefault("a request's waterfall", []).append(clicked)
        table = page.locator(".list")
        while (count := int(await table.get_attribute("aria-rowcount") or 0)) < REQUESTS:
            await table.evaluate("list => { list.scrollTop = list.scrollHeight }")
            await page.wait_for_function("count => +document.querySelector('.list').ariaRowCount > count", arg=count)
        rows = await page.locator(".rows .row").count()
        heap = await page.evaluate("performance.memory.usedJSHeapSize")
        longest = await page.evaluate("Math.max(0, ...window.long)")
        await browser.close()
    weight = sum(len(gzip.compress(file.read_bytes())) for file in STATIC.rglob("*.*") if file.suffix != ".txt")
    return {
        "branches": BRANCHES,
        "requests": REQUESTS,
        "clicks_ms": {name: sorted(each) for name, each in clicks.items()},
        "longest_task_ms": longest,
        "rows_in_document": rows,
        "heap_mb": heap / 1e6,
        "weight_kb": weight / 1e3,
    }


def rows(found: Json) -> list[tuple[str, str, str]]:
    """Measure, figure, aim."""
    clicks = [
        (f"click to {name}", f"{statistics.median(each):.0f} ms", f"<= {AIM_MS} ms")
        for name, each in found["clicks_ms"].items()
    ]
    return [
        *clicks,
        ("longest task of the page", f"{found['longest_task_ms']:.0f} ms", f"<= {AIM_MS} ms"),
        (f"rows in the document, of {REQUESTS:,}", str(found["rows_in_document"]), ""),
        ("the page's memory (heap)", f"{found['heap_mb']:.0f} MB", ""),
        ("the page's files, compressed", f"{found['weight_kb']:.0f} kB", "<= 90 kB"),
    ]
