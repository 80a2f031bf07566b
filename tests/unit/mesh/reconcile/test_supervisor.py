"""No loop ends unnoticed: it is started again, and what happened can be read."""

import asyncio
import logging

import pytest

from mesh.reconcile.supervisor import STABLE, Supervisor


class Time:
    """A clock that moves only when somebody sleeps or says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.gate = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if len(self.slept) > 5:
            await self.gate.wait()
        await asyncio.sleep(0)


def supervised(time: Time) -> Supervisor:
    return Supervisor(clock=lambda: time.now, sleep=time.sleep)


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_loop_that_raises_is_restarted_with_growing_pauses_and_its_reason_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = Time()
    supervisor = supervised(time)

    async def run() -> None:
        raise OSError("no space left on device")

    supervisor.start("programmer", run)
    await turns()
    assert time.slept == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0]
    state = supervisor.states["programmer"]
    assert not state.running
    assert state.failures == 6
    assert state.restarts == 5
    assert state.reason == "OSError: no space left on device"
    assert supervisor.problems() == [
        "programmer: waiting to be restarted (6 in a row): OSError: no space left on device"
    ]
    assert "programmer: ended unexpectedly" in caplog.text
    await supervisor.close()


async def test_a_loop_that_runs_again_for_a_while_has_recovered_and_still_shows_its_restarts() -> None:
    time = Time()
    supervisor = supervised(time)
    starts = 0

    async def run() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            raise ValueError("once more")
        await asyncio.Event().wait()

    supervisor.start("endpoints", run)
    await turns()
    assert supervisor.problems() == ["endpoints: failed repeatedly (2 in a row): ValueError: once more"]
    time.now += STABLE
    assert supervisor.problems() == []
    state = supervisor.states["endpoints"]
    assert (state.running, state.restarts, state.failures) == (True, 2, 0)
    await supervisor.close()


async def test_a_loop_that_returns_or_cancels_itself_is_restarted_too(caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    supervisor = supervised(time)
    ends = iter(("return", "cancel"))

    async def run() -> None:
        match next(ends, "stay"):
            case "cancel":
                raise asyncio.CancelledError
            case "stay":
                await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR):
        supervisor.start("images", run)
        await turns()
    state = supervisor.states["images"]
    assert (state.running, state.restarts, state.reason) == (True, 2, "it was cancelled")
    await supervisor.close()


async def test_stopping_cancels_the_loop_and_frees_its_name() -> None:
    supervisor = Supervisor()
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    supervisor.start("pods", run)
    with pytest.raises(ValueError, match="'pods' is already running"):
        supervisor.start("pods", run)
    await turns(2)
    await supervisor.stop("pods", "never started")
    assert ended.is_set()
    assert supervisor.states == {}
    supervisor.start("pods", run)
    await supervisor.close()
