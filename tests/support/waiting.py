"""Waiting for a condition: the one way in which tests wait."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

# Far above what anything here takes on a busy machine, so that a test fails only when the condition never comes.
DEADLINE = 20.0
T = TypeVar("T")
What = str | Callable[[], str]


def until(condition: Callable[[], T], limit: float = DEADLINE, what: What = "the condition") -> T:
    """Looks again and again and returns the first value that is true; fails with `what` after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, _late(limit, what)
        time.sleep(0.01)
    return value


async def eventually(condition: Callable[[], T], what: What = "the condition", limit: float = DEADLINE) -> T:
    """`until` for a test that shares its loop with what it waits for."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, _late(limit, what)
        await asyncio.sleep(0.005)
    return value


def _late(limit: float, what: What) -> str:
    return f"not within {limit:g} s: {what if isinstance(what, str) else what()}"
