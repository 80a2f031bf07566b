"""The connections to one address: a service's, or the proxy's through which all of them are reached."""

import asyncio
from collections import deque
from typing import Any

from mall.kit.client.call import Call
from mall.kit.client.connection import Connection
from mall.kit.deadlines import Deadlines

MOST_CONNECTIONS = 512
# Less than what servers keep an idle connection, so that a call seldom meets one that is being closed.
IDLE_SECONDS = 60.0
# Time for a lost SYN to be sent twice more, after one second and after three.
LONGEST_CONNECT = 3.5


class Pool:
    """Connections are opened when a call finds none idle; the one used last is used first."""

    def __init__(self, host: str, port: int, deadlines: Deadlines, timeout: float) -> None:
        self.deadlines = deadlines
        self._host = host
        self._port = port
        self._timeout = timeout
        self.loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._waiting: deque[Call[Any]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        # How many connections are being opened. Not the number of tasks: one that has opened its connection still
        # counts as a task for a moment, and a call made in that moment would wait for a connection that never comes.
        self._opening = 0

    def send(self, call: Call[Any], *, anew: bool = False) -> None:
        """Sends a call now, or as soon as there is a connection; `anew` over none that has been idle."""
        if not anew:
            self.deadlines.set(call, self._timeout)
            if self._idle:
                self._idle.pop().send(call)
                return
        self._waiting.append(call)
        self._connect_for_waiting()

    def release(self, connection: Connection) -> None:
        """The connection is free for the next call."""
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self._idle.append(connection)
            self.deadlines.set(connection, IDLE_SECONDS)

    def withdraw(self, call: Call[Any]) -> None:
        """The call is not to be answered."""
        self.deadlines.discard(call)
        if call in self._waiting:
            self._waiting.remove(call)
        for connection in list(self._open):
            connection.withdraw(call)

    def lost(self, connection: Connection) -> None:
        """The connection has been closed, by whichever side."""
        self.deadlines.discard(connection)
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect_for_waiting()

    def close(self) -> None:
        """Closes all connections."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        for connection in list(self._open):
            connection.close()

    def _connect_for_waiting(self) -> None:
        while self._opening < len(self._waiting) and len(self._open) + self._opening < MOST_CONNECTIONS:
            self._opening += 1
            task = self.loop.create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(min(self._timeout, LONGEST_CONNECT)):
                _, connection = await self.loop.create_connection(lambda: Connection(self), self._host, self._port)
        except (OSError, ValueError) as error:
            # Of the calls that wait, the first takes the failure: each of them has had a connection opened for it.
            if self._waiting:
                call = self._waiting.popleft()
                self.deadlines.discard(call)
                late = isinstance(error, TimeoutError)
                call.failed("did not answer in time" if late else "cannot be reached", 504 if late else 502)
            return
        finally:
            self._opening -= 1
        self._open.add(connection)
        self.release(connection)
