"""`make pictures`: retakes the screenshots of the docs from the running program, in a real Chromium.

It starts its own mesh with jason's and fox's branches and sends it requests for a while. One line of SHOTS is one
screenshot. Those of TROUBLE are taken after a service went down, with a branch whose program ends at once.

`python -m bench.pictures --every FOLDER` takes each view of EVERY at four widths, light and dark, in that trouble, to
be looked at.
"""

import asyncio
import base64
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
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
# Its program ends at once.
BROKEN = (
    *("--cookie", "user=broken", "--fork", "recommend", "--no-wait"),
    *("--command", "recommend=python -c 'raise SystemExit(\"cannot read /etc/shop.conf\")'"),
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
    Shot(
        "console-request",
        "#/requests?branch=fox&text=/api/mall",
        DESKTOP,
        "dark",
        ".hop .why",
        (".rows .row", ".hop:nth-child(4) .named"),
    ),
    Shot("shop-product", "/products/1", (1280, 720), "dark", "#product h1", cookie="user=fox"),
    Shot("console-branches", "#/branches/fox", LOW, "light", "aside .mark.good"),
    Shot("console-workloads", "#/workloads?text=fox", DESKTOP, "dark", ".log", (".rows .row:nth-child(2)",)),
    Shot("console-rules", "#/rules/gateway", LOW, "light", ".rules-table tbody tr"),
    Shot("console-phone", "#/topology", PHONE, "light", ".plain-table tbody tr"),
    Shot("console-phone-request", "#/requests?text=/api/mall", PHONE, "dark", ".hop", (".rows .row",)),
)
TROUBLE = (
    Shot("console-health", "#/health", LOW, "light", ".problem"),
    Shot("console-topology-trouble", "#/topology?node=mesh%2Fproducts", DESKTOP, "light", ".sparks"),
    Shot("console-failed", "#/requests?status=error&text=/api/mall", LOW, "light", ".verdict", (".rows .row",)),
)
WIDTHS = {"390": PHONE, "768": (768, 1024), "1440": DESKTOP, "2560": (2560, 1440)}
EVERY = (
    ("topology", "#/topology?as=graph", ".node", ()),
    ("service", "#/topology?as=graph&node=mesh%2Fproducts", ".sparks", ()),
    ("requests", "#/requests?status=error&text=/api/mall", ".hop", (".rows .row",)),
    ("branch", "#/branches/broken", "aside .trouble", ()),
    ("workloads", "#/workloads?trouble=1", ".rows .row", ()),
    ("log", "#/workloads?text=mall-v1", ".log-line", (".rows .row:nth-child(2)",)),
    ("rules", "#/rules/gateway", ".rules-table tbody tr", ()),
    ("health", "#/health", ".problem", ()),
    ("shop", "/", "#discount .failed", ()),
)


async def visits(users: Sequence[str]) -> None:
    """Sends requests, to have something to look at."""
    for number in range(VISITS):
        await load(ADDRESS, 8080, "/api/mall", f"user={users[number % len(users)]}", 1, 0)


async def take(browser: Browser, shot: Shot, console: str, state: StorageState, folder: Path = FOLDER) -> None:
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
    (folder / f"{shot.name}.webp").write_bytes(await _webp(page))
    await context.close()


async def _webp(page: Page) -> bytes:
    session = await page.context.new_cdp_session(page)
    taken = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(taken["data"])


async def break_something(home: Path) -> None:
    """Takes a service down, and creates a branch that does not start."""
    await asyncio.to_thread(meshmall, home, "branch", "create", "broken", *BROKEN)
    stock = json.loads(await asyncio.to_thread(meshmall, home, "get", "deployment", "stock-v1", "-o", "json"))
    stock["spec"]["replicas"] = 0
    scaled = json.dumps({key: stock[key] for key in ("apiVersion", "kind", "metadata", "spec")})
    await asyncio.to_thread(meshmall, home, "apply", "-f", "-", stdin=scaled)
    await visits((*VISITORS, "broken"))


def every_shot() -> Iterator[Shot]:
    for (name, place, wanted, clicked), (width, size), scheme in product(EVERY, WIDTHS.items(), ("light", "dark")):
        yield Shot(f"{name}-{width}-{scheme}", place, size, scheme, wanted, clicked, "user=fox" if place == "/" else "")


async def main(names: list[str]) -> None:
    """Takes all screenshots, or those named; with `--every FOLDER` those of EVERY."""
    every = Path(names[1]) if names[:1] == ["--every"] else None
    (every or FOLDER).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        await asyncio.to_thread(meshmall, home, "up", "--address", ADDRESS)
        try:
            await asyncio.to_thread(meshmall, home, "apply", "-f", str(DEPLOY / "mall-v2.yaml"), "--wait")
            await asyncio.to_thread(meshmall, home, "branch", "create", "jason", *JASON)
            await asyncio.to_thread(meshmall, home, "branch", "create", "fox", *FOX)
            await visits(VISITORS)
            url = (await asyncio.to_thread(meshmall, home, "console", "--print")).split()[0]
            async with async_playwright() as playwright:
                path = shutil.which("chromium")
                browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                page = await browser.new_page()
                await page.goto(url)
                state = await page.context.storage_state()
                console = f"http://{urlsplit(url).netloc}/"
                for shot in SHOTS if every is None else ():
                    if not names or shot.name in names:
                        await take(browser, shot, console, state)
                await break_something(home)
                for shot in TROUBLE if every is None else every_shot():
                    if every is not None or not names or shot.name in names:
                        await take(browser, shot, console, state, every or FOLDER)
                await browser.close()
        finally:
            await asyncio.to_thread(meshmall, home, "down")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
