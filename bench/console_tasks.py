"""`python -m bench.console_tasks`: ten tasks in the console, each with its steps and the seconds to its answer.

A mesh with the mall, two branches, a service that is down and a branch whose program ends at once. A step is a click, a
key, a choice or a text typed; the seconds are the console's and the mesh's, without the time in which a person reads.
"""

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Locator, Page, async_playwright

from bench.load import load
from bench.machine import meshmall
from bench.pictures import BROKEN, FOX, JASON

ADDRESS = "127.250.0.3"
VISITORS = ("jason", "fox", "admin", "broken")
Act = Callable[[Page], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Task:
    """A question, the steps to its answer, and what shows the answer."""

    question: str
    steps: Sequence[Act]
    answer: Callable[[Page], Locator]


def click(selector: str) -> Act:
    return lambda page: page.locator(selector).first.click()


def named(role: str, name: str) -> Act:
    return lambda page: page.locator(f"role={role}[name='{name}']").first.click()


def choose(label: str, value: str) -> Act:
    return lambda page: page.get_by_label(label).select_option(value)


def typed(label: str, text: str) -> Act:
    return lambda page: page.get_by_label(label).fill(text)


async def another(page: Page) -> object:
    """Chooses the first other request to compare with."""
    field = page.get_by_label("Compare with")
    await field.locator("option").nth(1).wait_for(state="attached")
    return await field.select_option(index=1)


REQUESTS, BRANCHES, ROW = click("nav a[href^='#/requests']"), click("nav a[href^='#/branches']"), click(".rows .row")
TASKS = (
    Task(
        "Which service fails, and why?",
        (click("nav a[href^='#/health']"),),
        lambda page: page.get_by_text("stock-v1 is scaled to 0"),
    ),
    Task(
        "Which request was slow, and where?",
        (REQUESTS, choose("Order", "slowest"), ROW),
        lambda page: page.locator(".verdict"),
    ),
    Task(
        "What does a branch change?",
        (BRANCHES, click(".rows .row:has-text('fox')")),
        lambda page: page.get_by_text("products: FAVORITES=true"),
    ),
    Task(
        "How does its answer differ from the baseline's?",
        (
            BRANCHES,
            click(".rows .row:has-text('jason')"),
            typed("Path at the gateway", "/api/users"),
            named("button", "Compare"),
        ),
        lambda page: page.locator("section.diff"),
    ),
    Task(
        "Why is a branch not ready?",
        (BRANCHES, click(".rows .row:has-text('broken')")),
        lambda page: page.locator("aside .trouble"),
    ),
    Task(
        "Which version answered a request, and by which rule?",
        (REQUESTS, choose("Branch", "fox"), ROW, click(".hop .named")),
        lambda page: page.locator(".hop .why"),
    ),
    Task(
        "What did a request write into a log?",
        (REQUESTS, choose("Branch", "-"), ROW, click(".hop .named"), named("link", "Log of this request")),
        lambda page: page.locator(".log-line"),
    ),
    Task(
        "How do two requests differ?",
        (REQUESTS, ROW, another),
        lambda page: page.locator(".comparison tbody tr"),
    ),
    Task(
        "Who calls a service, and how often does it fail?",
        (click("nav a[href^='#/topology']"), click(".node[data-id='mesh/products']")),
        lambda page: page.locator(".calls-table tbody tr"),
    ),
    Task(
        "Restart a workload",
        (
            click("nav a[href^='#/workloads']"),
            click(".rows .row:has-text('users-v1')"),
            named("button", "Restart"),
            click("dialog button[data-first]"),
        ),
        lambda page: page.get_by_text("Restarting users-v1"),
    ),
)


async def measure(page: Page, task: Task, start: str) -> float:
    """The seconds from the first step to the answer."""
    await page.goto("about:blank")
    await page.goto(start)
    await page.locator(".node, tbody tr").first.wait_for()
    begin = time.monotonic()
    for step in task.steps:
        await step(page)
    await task.answer(page).first.wait_for()
    return time.monotonic() - begin


async def visits(count: int) -> None:
    for number in range(count):
        await load(ADDRESS, 8080, "/api/mall", f"user={VISITORS[number % len(VISITORS)]}", 1, 0)


async def main() -> None:
    """Prints the tasks as a table of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        await asyncio.to_thread(meshmall, home, "up", "--address", ADDRESS)
        try:
            for name, words in (("jason", JASON), ("fox", FOX)):
                await asyncio.to_thread(meshmall, home, "branch", "create", name, *words)
            await asyncio.to_thread(meshmall, home, "branch", "create", "broken", *BROKEN)
            await visits(40)
            stock = json.loads(await asyncio.to_thread(meshmall, home, "get", "deployment", "stock-v1", "-o", "json"))
            stock["spec"]["replicas"] = 0
            scaled = json.dumps({key: stock[key] for key in ("apiVersion", "kind", "metadata", "spec")})
            await asyncio.to_thread(meshmall, home, "apply", "-f", "-", stdin=scaled)
            await visits(20)
            url = (await asyncio.to_thread(meshmall, home, "console", "--print")).split()[0]
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                page = await browser.new_page(viewport={"width": 1440, "height": 900})
                await page.goto(url)
                start = f"http://{urlsplit(url).netloc}/#/topology"
                print("| task | steps | seconds |\n|---|---|---|")
                for task in TASKS:
                    try:
                        seconds = f"{await measure(page, task, start):.1f}"
                    except Exception as error:
                        seconds = f"failed: {error}".splitlines()[0]
                    print(f"| {task.question} | {len(task.steps)} | {seconds} |", flush=True)
                await browser.close()
        finally:
            await asyncio.to_thread(meshmall, home, "down")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
