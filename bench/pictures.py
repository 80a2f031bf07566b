"""`make pictures`: retakes the screenshots of the docs from the running program, in a real Chromium.

It starts its own mesh with jason's and fox's branches and sends it requests for a while. One line of SHOTS is one
screenshot.
"""

import asyncio
import base64
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, StorageState, async_playwright

from bench.load import load
from bench.machine import meshmall

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
ADDRESS = "127.250.0.2"
QUALITY = 82
JASON = ("--cookie", "user=jason", "--fork", "recommend", "--env", "BANNER=true")
FOX = (
    *("--cookie", "user=fox", "--fork", "discount", "--env", "discount:BANNER=true"),
    *("--fork", "products", "--env", "products:FAVORITES=true", "--new", "favorites:7000=python -m mall.favorites"),
)
VISITORS = ("jason", "fox", "fox", "admin", "test")
VISITS = 60
DESKTOP, LOW, PHONE = (1440, 900), (1440, 640), (390, 844)
DEPLOY = Path(__file__).parents[1] / "deploy"


@dataclass(frozen=True, slots=True)
class Shot:
    """`place` is an address in the console (`#/...`), or a path of the shop, asked with `cookie`.

    `wanted` is what must be there before the picture is taken; `clicked` is clicked before that.
    """

    name: str
    place: str
    size: tuple[int, int]
    scheme: str
    wanted: str
    clicked: tuple[str, ...] = ()
    cookie: str = ""


SHOTS = (
    Shot("shop-fox", "/", (1280, 967), "light", "#discount .card:nth-child(6) img", cookie="user=fox"),
    Shot("shop-jason-dark", "/", (1280, 967), "dark", "#discount .card:nth-child(6) img", cookie="user=jason"),
    Shot("shop-phone", "/", PHONE, "light", "#recommend .card:nth-child(6) img", cookie="user=fox"),
    Shot("shop-phone-dark", "/", PHONE, "dark", "#recommend .card:nth-child(6) img", cookie="user=jason"),
    Shot("console-topology", "#/topology?branch=fox", LOW, "light", ".link.flows"),
    Shot("console-topology-dark", "#/topology", LOW, "dark", ".label"),
    Shot("console-request", "#/requests?branch=fox&text=/api/mall", DESKTOP, "dark", ".hop", (".rows .row",)),
    Shot("console-branches", "#/branches/fox", LOW, "light", "aside .mark.good"),
    Shot("console-workloads", "#/workloads?text=fox", DESKTOP, "dark", ".log", (".rows .row:nth-child(2)",)),
    Shot("console-rules", "#/rules/gateway", LOW, "light", ".rules-table tbody tr"),
    Shot("console-phone", "#/topology", PHONE, "light", ".plain-table tbody tr"),
    Shot("console-phone-request", "#/requests?text=/api/mall", PHONE, "dark", ".hop", (".rows .row",)),
)


async def visits() -> None:
    """Sends requests, to have something to look at."""
    for number in range(VISITS):
        await load(ADDRESS, 8080, "/api/mall", f"user={VISITORS[number % len(VISITORS)]}", 1, 0)


async def take(browser: Browser, shot: Shot, console: str, state: StorageState) -> None:
    """One screenshot as WebP, which browsers and GitHub show."""
    width, height = shot.size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        storage_state=state if shot.place.startswith("#") else None,
    )
    if shot.cookie:
        name, _, value = shot.cookie.partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": f"http://{ADDRESS}:8080"}])
    page = await context.new_page()
    await page.goto(f"{console}{shot.place}" if shot.place.startswith("#") else f"http://{ADDRESS}:8080{shot.place}")
    for selector in shot.clicked:
        await page.locator(selector).first.click()
    await page.locator(shot.wanted).first.wait_for()
    await page.evaluate("document.fonts.ready")
    await asyncio.sleep(0.6)  # for what follows the first drawing: figures, a log's end
    (FOLDER / f"{shot.name}.webp").write_bytes(await _webp(page))
    await context.close()


async def _webp(page: Page) -> bytes:
    session = await page.context.new_cdp_session(page)
    taken = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(taken["data"])


async def main(names: list[str]) -> None:
    """Takes all screenshots, or those named."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        await asyncio.to_thread(meshmall, home, "up", "--address", ADDRESS)
        try:
            await asyncio.to_thread(meshmall, home, "apply", "-f", str(DEPLOY / "mall-v2.yaml"), "--wait")
            await asyncio.to_thread(meshmall, home, "branch", "create", "jason", *JASON)
            await asyncio.to_thread(meshmall, home, "branch", "create", "fox", *FOX)
            await visits()
            url = (await asyncio.to_thread(meshmall, home, "console", "--print")).split()[0]
            async with async_playwright() as playwright:
                path = shutil.which("chromium")
                browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                page = await browser.new_page()
                await page.goto(url)
                state = await page.context.storage_state()
                console = f"http://{urlsplit(url).netloc}/"
                for shot in SHOTS:
                    if not names or shot.name in names:
                        await take(browser, shot, console, state)
                await browser.close()
        finally:
            await asyncio.to_thread(meshmall, home, "down")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
