"""The shop's page: the bytes of a first visit, and the time until the first paint, in a real Chromium.

Part of `make bench`; skipped without Chromium. The browser reports the paint (Paint Timing), counted from the start
of the navigation; the cache is empty each time.
"""

import asyncio
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.machine import ADDRESS, ROUNDS, meshmall

LARGEST_KB = 100
Json = dict[str, Any]
# Of every file of a visit: bytes over the wire, headers included; of the document too.
SIZES = """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .map((each) => [new URL(each.name).pathname, each.transferSize])"""
PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0].startTime"""
GOODS = "#discount .card:nth-child(6) img"


async def measure() -> Json | None:
    """All of it, as it is written to `page.json`; None without a Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only where there is a browser

    paints: list[float] = []
    goods: list[float] = []
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        await asyncio.to_thread(meshmall, home, "up", "--address", ADDRESS)
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                for _ in range(2 * ROUNDS + 1):
                    context = await browser.new_context()
                    page = await context.new_page()
                    await page.goto(f"http://{ADDRESS}:8080/")
                    await page.locator(GOODS).wait_for()
                    goods.append(await page.evaluate("performance.now()"))
                    await page.wait_for_load_state("networkidle")
                    paints.append(await page.evaluate(PAINT))
                    sizes = {path: size for path, size in await page.evaluate(SIZES) if not path.startswith("/api/")}
                    await context.close()
                await browser.close()
        finally:
            await asyncio.to_thread(meshmall, home, "down")
    return {"paint_ms": paints[1:], "goods_ms": goods[1:], "bytes": sizes}


def rows(found: Json) -> list[tuple[str, str, str]]:
    """For the table: what, the median, the aim."""
    size = sum(found["bytes"].values()) / 1000
    return [
        (f"shop, first visit ({len(found['bytes'])} files)", f"{size:.1f} kB", f"<= {LARGEST_KB} kB"),
        ("shop, first contentful paint", f"{statistics.median(found['paint_ms']):.0f} ms", ""),
        ("shop, all goods shown", f"{statistics.median(found['goods_ms']):.0f} ms", ""),
    ]
