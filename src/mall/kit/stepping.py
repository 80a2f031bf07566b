"""Runs a handler without an asyncio.Task, as far as it gets without waiting and whenever what it waits for arrives.

A task costs its creation, a callback through the event loop for each step, and another one for its result, each of
them a turn of the loop with a system call. A handler that waits for nothing needs none of that, and one that waits for
calls can go on in the very callback that read their answers.

What asyncio asks of a replacement for its tasks is in "Extending" of its documentation: `_enter_task` and
`_leave_task` around each step, and the methods that `asyncio.timeout` and `asyncio.TaskGroup` call on the current task.
"""

import asyncio
from asyncio import tasks
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Pending(Generic[T]):
    """A result that is not there yet, with one waiter: a `Stepped` goes on inside `_resolve`, a task by a future."""

    __slots__ = ("_loop", "resolved", "waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop  # Given where it is needed: to ask for the running one costs Python 3.11 a system call.
        self.resolved = False
        self.waiter: Callable[[], None] | None = None

    def result(self) -> T:
        """The result; called when `resolved`. Raises what went wrong."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Nobody waits any more."""
        self.waiter = None

    def __await__(self) -> Generator[Any, None, T]:
        if not self.resolved:
            if isinstance(asyncio.current_task(self._loop), Stepped):
                yield self
            else:
                yield from self._by_future()
        return self.result()

    def _by_future(self) -> Generator[Any, None, None]:
        future = self._loop.create_future()
        self.waiter = lambda: None if future.done() else future.set_result(None)
        try:
            yield from future
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _resolve(self) -> None:
        self.resolved = True
        waiter, self.waiter = self.waiter, None
        if waiter is None:
            return
        if asyncio.current_task(self._loop) is None:
            waiter()
        else:  # Somebody else is in the middle of a step.
            self._loop.call_soon(waiter)


class Stepped(Generic[T]):
    """A coroutine and how far it is. `finished` is called at its end, unless `start` already returned True.

    At the end, `error` is the exception that the coroutine raised, or None and `value` is what it returned.
    """

    __slots__ = (
        "_awaited", "_cancellations", "_context", "_coroutine", "_finished", "_loop", "_must_cancel", "error", "value",
    )  # fmt: skip

    def __init__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, None, T], finished: Callable[[], None]
    ) -> None:
        self.value: T
        self.error: BaseException | None = None
        self._loop = loop
        self._coroutine = coroutine
        self._finished = finished
        # As with tasks: what a handler sets in a context variable is its own.
        self._context = copy_context()
        self._awaited: Any = None
        self._must_cancel = False
        self._cancellations = 0

    def start(self) -> bool:
        """Runs to the first wait. True when the coroutine ended without one."""
        return self._step()

    def cancel(self, msg: object = None) -> bool:
        """Raises CancelledError where the coroutine waits, in a later turn of the loop."""
        self._cancellations += 1
        awaited = self._awaited
        if isinstance(awaited, Pending):
            self._abandon(awaited)
        elif awaited is None or not awaited.cancel():
            self._must_cancel = True
        return True

    def cancelling(self) -> int:
        """How many cancellations have been requested and not been taken back."""
        return self._cancellations

    def uncancel(self) -> int:
        """Takes one cancellation back, as `asyncio.timeout` does with its own. Returns how many remain."""
        self._cancellations = max(0, self._cancellations - 1)
        return self._cancellations

    def _resume(self, _: object = None) -> None:
        self._awaited = None
        if self._step():
            self._finished()

    def _step(self) -> bool:
        """One step; True when it was the last one."""
        tasks._enter_task(self._loop, self)  # type: ignore[arg-type]
        try:
            if self._must_cancel:
                self._must_cancel = False
                awaited = self._context.run(self._coroutine.throw, asyncio.CancelledError())
            else:
                awaited = self._context.run(self._coroutine.send, None)
        except StopIteration as stop:
            self.value = stop.value
            return True
        except (Exception, asyncio.CancelledError) as error:
            self.error = error
            return True
        finally:
            tasks._leave_task(self._loop, self)  # type: ignore[arg-type]
        self._wait_for(awaited)
        return False

    def _wait_for(self, awaited: Any) -> None:
        self._awaited = awaited
        if isinstance(awaited, Pending):
            awaited.waiter = self._resume
            if self._must_cancel:  # It cancelled itself before it waited.
                self._abandon(awaited)
        elif awaited is None:  # asyncio.sleep(0)
            self._loop.call_soon(self._resume)
        else:
            # The protocol between futures and tasks: the flag says that somebody waits.
            awaited._asyncio_future_blocking = False
            awaited.add_done_callback(self._resume)
            if self._must_cancel and awaited.cancel():
                self._must_cancel = False

    def _abandon(self, awaited: Pending[Any]) -> None:
        awaited.cancel()
        # Not awaited any more: a second cancellation must not schedule a second step.
        self._awaited = None
        self._must_cancel = True
        self._loop.call_soon(self._resume)
