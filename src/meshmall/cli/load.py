"""`meshmall load`: sends the mall a mix of users' requests, to have something to look at."""

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

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, GROUP
from meshmall.cli.branch.names import object_name
from meshmall.cli.context import Context
from meshmall.cli.options import require_output

MOST_USERS, MOST_RATE, MOST_SECONDS = 64, 500.0, 3600.0
LIMIT = timedelta(seconds=30)
# The paths that visitors request, and their weights.
PATHS = {"/api/mall": 6, "/": 2, "/api/recommends": 1, "/api/products": 1, "/api/users": 1}
USERS = ("jason", "fox", "admin", "guest")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a cookie, or in a branch through baggage."""

    name: str
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Results:
    """The answers to one visitor: the milliseconds of each, and how many failed."""

    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0
    first_failure: str = ""


def drive(context: Context, *, seconds: float, users: int, rate: float, branches: Sequence[str], output: str) -> None:
    """Sends requests until the time is over or Ctrl-C, and prints a summary. Exit code 1 when a request failed."""
    require_output(output, "text", "json")
    for name, value, most in (
        ("--seconds", seconds, MOST_SECONDS),
        ("--users", users, MOST_USERS),
        ("--rate", rate, MOST_RATE),
    ):
        if not 0 < value <= most:
            raise Failure(f"{name} {value:g}: must be above 0 and at most {most:g}", code=2)
    visitors = _visitors(context, branches)
    context.home.require_running()
    base = context.settings.gateway_url
    results = {visitor.name: Results() for visitor in visitors}
    begun = time.monotonic()
    with suppress(KeyboardInterrupt):
        asyncio.run(
            _drive(context, base, visitors, results, seconds=seconds, users=users, rate=rate, quiet=output == "json")
        )
    _summary(context, results, time.monotonic() - begun, output)
    if any(result.failed for result in results.values()):
        raise SystemExit(1)


def _visitors(context: Context, branches: Sequence[str]) -> list[Visitor]:
    """The users with their cookies, and one visitor for each branch (default: for every branch of the namespace)."""
    try:
        existing = [body["metadata"]["name"] for body in context.client.list(GROUP, "Branch", context.namespace)]
    except ApiError as error:
        raise Failure(error.message) from None
    branches = [object_name(name) for name in branches]
    for name in branches:
        if name not in existing:
            raise Failure(f'there is no branch "{name}"', f"existing branches: {', '.join(existing[:20]) or 'none'}")
    visitors = [Visitor(name, (("cookie", f"user={name}"),)) for name in USERS]
    entered = branches or existing[: MOST_USERS - len(visitors)]
    return visitors + [Visitor(f"branch {name}", (("baggage", f"{BAGGAGE_MEMBER}={name}"),)) for name in entered]


async def _drive(
    context: Context,
    base: str,
    visitors: Sequence[Visitor],
    results: dict[str, Results],
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
            asyncio.create_task(_walk(client, base, visitors, results, until, users / rate, number / rate))
            for number in range(users)
        ]
        try:
            await _show(context, results, seconds, until, walks, quiet=quiet)
        finally:
            for walk in walks:
                walk.cancel()
            await asyncio.gather(*walks, return_exceptions=True)


async def _walk(
    client: Any,
    base: str,
    visitors: Sequence[Visitor],
    results: dict[str, Results],
    until: float,
    pause: float,
    first: float,
) -> None:
    """One user: a request, then a pause. Together the users keep the rate, if the mall is fast enough."""
    chance = random.SystemRandom()
    await asyncio.sleep(first)
    while time.monotonic() < until:
        visitor = chance.choice(visitors)
        (path,) = chance.choices(list(PATHS), list(PATHS.values()))
        begun = time.perf_counter()
        result = results[visitor.name]
        try:
            response = await client.get(base + path).headers(dict(visitor.headers)).build().send()
            await response.bytes()
            # A 401 is the right answer to a user who is not signed in; only a 5xx counts as a failure.
            failure = f"{path}: {response.status}" if response.status >= 500 else ""
        except Exception as error:
            failure = f"{path}: {type(error).__name__}"
        took = time.perf_counter() - begun
        result.milliseconds.append(took * 1000)
        result.failed += bool(failure)
        result.first_failure = result.first_failure or failure
        await asyncio.sleep(max(0.0, min(pause * chance.uniform(0.5, 1.5) - took, until - time.monotonic())))


async def _show(
    context: Context,
    results: dict[str, Results],
    seconds: float,
    until: float,
    walks: Sequence[asyncio.Task[None]],
    *,
    quiet: bool,
) -> None:
    if quiet or not context.view.is_terminal:
        await asyncio.wait(walks)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=context.view.out, transient=True) as progress:
        task = progress.add_task("", total=seconds)
        while not all(walk.done() for walk in walks):
            count = sum(len(result.milliseconds) for result in results.values())
            failed = sum(result.failed for result in results.values())
            elapsed = seconds - max(0.0, until - time.monotonic())
            progress.update(task, completed=elapsed, description=f"{count:,} requests, {failed} failed")
            await asyncio.wait(walks, timeout=0.2)


def _summary(context: Context, results: dict[str, Results], seconds: float, output: str) -> None:
    rows = [{"who": name, **_figures(result)} for name, result in results.items() if result.milliseconds]
    everyone = Results(
        [ms for result in results.values() for ms in result.milliseconds],
        sum(result.failed for result in results.values()),
    )
    total = {"who": "all", **_figures(everyone), "rate": round(len(everyone.milliseconds) / max(seconds, 0.001), 2)}
    if output == "json":
        context.view.plain(json.dumps({"seconds": round(seconds, 2), "visitors": rows, "all": total}, indent=2))
        return
    lines = [
        [str(row["who"]), str(row["requests"]), str(row["failed"]), f"{row['p50']:.1f} ms", f"{row['p99']:.1f} ms"]
        for row in (*rows, total)
    ]
    context.view.columns(("VISITOR", "REQUESTS", "FAILED", "P50", "P99"), lines)
    context.view.say(f"[dim]{total['rate']:.1f} requests per second for {seconds:.1f} s[/]")
    for name, result in results.items():
        if result.first_failure:
            context.view.warn(f"{name}: {result.first_failure}")


def _figures(result: Results) -> dict[str, Any]:
    ordered = sorted(result.milliseconds)
    if len(ordered) < 2:
        ordered = ordered * 2 or [0.0, 0.0]
    cuts = quantiles(ordered, n=100, method="inclusive")
    figures = {"requests": len(result.milliseconds), "failed": result.failed}
    return {**figures, "p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}
