"""`meshmall load`: drives the mall as a mix of users, so that there is something to see."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import quantiles
from typing import Any

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, GROUP
from meshmall.cli.context import Context

MOST_USERS, MOST_RATE, MOST_SECONDS = 64, 500.0, 3600.0
LIMIT = timedelta(seconds=30)
# What a visitor asks for, and how often.
PATHS = {"/api/mall": 6, "/": 2, "/api/recommends": 1, "/api/products": 1, "/api/users": 1}
USERS = ("jason", "fox", "admin", "guest")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a cookie, or in a branch by baggage."""

    name: str
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Seen:
    """What one kind of visitor got: milliseconds of each answer, and how many failed."""

    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0
    first_failure: str = ""


def drive(context: Context, *, seconds: float, users: int, rate: float, branches: Sequence[str], output: str) -> None:
    """Sends requests until the time is over or Ctrl-C, and prints what came. Raises Failure (exit code 1) when some
    failed."""
    for name, value, most in (
        ("--seconds", seconds, MOST_SECONDS),
        ("--users", users, MOST_USERS),
        ("--rate", rate, MOST_RATE),
    ):
        if not 0 < value <= most:
            raise Failure(f"{name} {value:g}: is above 0 and at most {most:g}", code=2)
    visitors = _visitors(context, branches)
    context.home.require_running()
    base = context.home.settings().gateway_url
    seen = {visitor.name: Seen() for visitor in visitors}
    begun = time.monotonic()
    with suppress(KeyboardInterrupt):
        asyncio.run(
            _drive(context, base, visitors, seen, seconds=seconds, users=users, rate=rate, quiet=output == "json")
        )
    _summary(context, seen, time.monotonic() - begun, output)
    if any(each.failed for each in seen.values()):
        raise SystemExit(1)


def _visitors(context: Context, branches: Sequence[str]) -> list[Visitor]:
    """The users by their cookies; and those who enter the branches, all of the namespace's unless told."""
    try:
        known = [body["metadata"]["name"] for body in context.client.list(GROUP, "Branch", context.namespace)]
    except ApiError as error:
        raise Failure(error.message) from None
    for name in branches:
        if name not in known:
            raise Failure(f'there is no branch "{name}"', f"there are: {', '.join(known[:20]) or 'none'}")
    found = [Visitor(name, (("cookie", f"user={name}"),)) for name in USERS]
    entered = branches or known[: MOST_USERS - len(found)]
    return found + [Visitor(f"branch {name}", (("baggage", f"{BAGGAGE_MEMBER}={name}"),)) for name in entered]


async def _drive(
    context: Context,
    base: str,
    visitors: Sequence[Visitor],
    seen: dict[str, Seen],
    *,
    seconds: float,
    users: int,
    rate: float,
    quiet: bool,
) -> None:
    from pyreqwest.client import ClientBuilder  # noqa: PLC0415 - slow to import, for this command alone

    until = time.monotonic() + seconds
    async with ClientBuilder().no_proxy().timeout(LIMIT).build() as client:
        walks = [
            asyncio.create_task(_walk(client, base, visitors, seen, until, users / rate, number / rate))
            for number in range(users)
        ]
        try:
            await _show(context, seen, seconds, until, walks, quiet=quiet)
        finally:
            for walk in walks:
                walk.cancel()
            await asyncio.gather(*walks, return_exceptions=True)


async def _walk(
    client: Any, base: str, visitors: Sequence[Visitor], seen: dict[str, Seen], until: float, pause: float, first: float
) -> None:
    """One at a time: a request, then a pause, so that all together keep the rate if the mall does."""
    chance = random.SystemRandom()
    await asyncio.sleep(first)
    while time.monotonic() < until:
        visitor = chance.choice(visitors)
        (path,) = chance.choices(list(PATHS), list(PATHS.values()))
        begun = time.perf_counter()
        one = seen[visitor.name]
        try:
            response = await client.get(base + path).headers(dict(visitor.headers)).build().send()
            await response.bytes()
            # Who is signed in nowhere is told so.
            wrong = f"{path}: {response.status}" if response.status >= 500 else ""
        except Exception as error:
            wrong = f"{path}: {type(error).__name__}"
        took = time.perf_counter() - begun
        one.milliseconds.append(took * 1000)
        one.failed += bool(wrong)
        one.first_failure = one.first_failure or wrong
        await asyncio.sleep(max(0.0, min(pause * chance.uniform(0.5, 1.5) - took, until - time.monotonic())))


async def _show(
    context: Context,
    seen: dict[str, Seen],
    seconds: float,
    until: float,
    walks: Sequence[asyncio.Task[None]],
    *,
    quiet: bool,
) -> None:
    if quiet or not context.view.out.is_terminal:
        await asyncio.wait(walks)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=context.view.out, transient=True) as progress:
        task = progress.add_task("", total=seconds)
        while not all(walk.done() for walk in walks):
            count = sum(len(each.milliseconds) for each in seen.values())
            failed = sum(each.failed for each in seen.values())
            done = seconds - max(0.0, until - time.monotonic())
            progress.update(task, completed=done, description=f"{count} requests, {failed} failed")
            await asyncio.wait(walks, timeout=0.2)


def _summary(context: Context, seen: dict[str, Seen], seconds: float, output: str) -> None:
    rows = [{"who": name, **_figures(each)} for name, each in seen.items() if each.milliseconds]
    whole = Seen([ms for each in seen.values() for ms in each.milliseconds], sum(each.failed for each in seen.values()))
    total = {"who": "all", **_figures(whole), "rate": round(len(whole.milliseconds) / max(seconds, 0.001), 2)}
    if output == "json":
        context.view.plain(json.dumps({"seconds": round(seconds, 2), "visitors": rows, "all": total}, indent=2))
        return
    lines = [
        [str(row["who"]), str(row["requests"]), str(row["failed"]), f"{row['p50']:.1f} ms", f"{row['p99']:.1f} ms"]
        for row in (*rows, total)
    ]
    context.view.columns(("WHO", "REQUESTS", "FAILED", "P50", "P99"), lines)
    context.view.say(f"[dim]{total['rate']:.1f} requests a second for {seconds:.1f} s[/]")
    for name, each in seen.items():
        if each.first_failure:
            context.view.warn(f"{name}: {each.first_failure}")


def _figures(one: Seen) -> dict[str, Any]:
    ordered = sorted(one.milliseconds)
    if len(ordered) < 2:
        ordered = ordered * 2 or [0.0, 0.0]
    cuts = quantiles(ordered, n=100, method="inclusive")
    figures = {"requests": len(one.milliseconds), "failed": one.failed}
    return {**figures, "p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}
