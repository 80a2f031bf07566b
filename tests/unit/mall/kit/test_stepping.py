"""A stepped coroutine behaves as a task does, but for when its steps are run."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from mall.kit.stepping import Pending, Stepped

GENEROUS = 60.0


class Value(Pending[int]):
    """A pending number; remembers that it was cancelled."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.cancelled = False
        self.value: int | Exception = 0

    def set(self, value: int | Exception) -> None:
        self.value = value
        self._resolve()

    def cancel(self) -> None:
        super().cancel()
        self.cancelled = True

    def result(self) -> int:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Run:
    """Starts a coroutine from a callback of the loop, as a connection does; `ended` when it has."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        self.at_once = False
        self.stepped = Stepped(self.loop, coroutine, self.ended.set)

    async def started(self) -> "Run":
        started = asyncio.Event()

        def start() -> None:
            self.at_once = self.stepped.start()
            if self.at_once:
                self.ended.set()
            started.set()

        self.loop.call_soon(start)
        await started.wait()
        return self

    async def result(self) -> Any:
        async with asyncio.timeout(GENEROUS):
            await self.ended.wait()
        if self.stepped.error is not None:
            raise self.stepped.error
        return self.stepped.value


async def test_what_does_not_wait_ends_at_once() -> None:
    async def work() -> int:
        return 7

    run = await Run(work()).started()
    assert run.at_once
    assert await run.result() == 7


async def test_an_exception_is_kept() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await (await Run(work()).started()).result()


async def test_it_waits_for_whatever_a_task_waits_for() -> None:
    async def work() -> list[Any]:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        first, second = await asyncio.gather(asyncio.sleep(0, 1), asyncio.to_thread(lambda: 2))
        async with asyncio.TaskGroup() as group:
            child = group.create_task(asyncio.sleep(0, 3))
        return [first, second, child.result(), await asyncio.wait_for(asyncio.sleep(0, 4), GENEROUS)]

    assert await (await Run(work()).started()).result() == [1, 2, 3, 4]


async def test_it_goes_on_in_the_callback_that_brings_the_value() -> None:
    value = Value()

    async def work() -> int:
        return await value + await value

    run = await Run(work()).started()
    seen: list[bool] = []

    def bring() -> None:
        value.set(21)
        seen.append(run.ended.is_set())

    run.loop.call_soon(bring)
    assert await run.result() == 42
    assert seen == [True]


async def test_a_value_that_comes_during_a_step_of_somebody_else_waits_for_its_turn() -> None:
    value = Value()

    async def work() -> int:
        return await value

    run = await Run(work()).started()
    value.set(1)  # In the step of this test's task.
    assert not run.ended.is_set()
    assert await run.result() == 1


async def test_a_value_can_be_awaited_in_a_task_as_well() -> None:
    value, never = Value(), Value()

    async def work() -> int:
        return await value

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    value.set(5)
    assert await task == 5
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await never
    assert never.cancelled


async def test_timeouts_work_within_it_and_nest() -> None:
    never = Value()

    async def work() -> list[str]:
        found = []
        async with asyncio.timeout(GENEROUS):
            try:
                async with asyncio.timeout(0.01):
                    await never
            except TimeoutError:
                found.append("value")
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            except TimeoutError:
                found.append("event")
        return found

    assert await (await Run(work()).started()).result() == ["value", "event"]
    assert never.cancelled


async def test_a_cancellation_is_raised_where_it_waits() -> None:
    for wait in (Value(), asyncio.Event().wait()):
        cleaned: list[bool] = []

        async def work(awaitable: Any = wait, cleaned: list[bool] = cleaned) -> None:
            try:
                await awaitable
            finally:
                cleaned.append(True)

        run = await Run(work()).started()
        run.stepped.cancel()
        run.stepped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run.result()
        assert cleaned == [True]


async def test_it_may_cancel_itself() -> None:
    async def work() -> None:
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await (await Run(work()).started()).result()


async def test_context_variables_are_its_own() -> None:
    variable: ContextVar[int] = ContextVar("variable", default=0)

    async def work(number: int) -> tuple[int, int]:
        before = variable.get()
        variable.set(number)
        await asyncio.sleep(0)
        return before, variable.get()

    runs = [await Run(work(number)).started() for number in (1, 2)]
    assert [await run.result() for run in runs] == [(0, 1), (0, 2)]
    assert variable.get() == 0
