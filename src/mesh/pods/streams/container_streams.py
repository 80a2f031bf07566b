"""The streams of a container's own process, shared by everybody who is attached to it.

What it writes goes to all clients and to the log; what any of them types goes to its standard input.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable

from mesh.pods.streams.command_streams import CommandStreams, Descriptors

# What a container with standard input has written before anybody was attached, and what a client may lag behind.
EARLY_LIMIT = 64 << 10
LAG_LIMIT = 4 << 20


class Listener:
    """One client's copy of the output, from when it was attached to the container's end."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._size = 0

    def put(self, data: bytes) -> None:
        """Adds output. What a client does not take in time is lost to it: a container never waits for a client."""
        if self._size + len(data) <= LAG_LIMIT:
            self._size += len(data)
            self._pieces.put_nowait(data)

    def end(self) -> None:
        self._pieces.put_nowait(b"")

    async def pieces(self) -> AsyncIterator[bytes]:
        while data := await self._pieces.get():
            self._size -= len(data)
            yield data


class ContainerStreams:
    """Made for each run of a container, and closed at its end.

    `descriptors` are the daemon's ends of its input: a pipe, a terminal, or nothing. `once` (stdinOnce) ends the
    input when the first client's ends. The first client of a container with input also gets what was written before
    it came: `kubectl run -i` attaches to a program that may have written everything by then.
    """

    def __init__(self, descriptors: Descriptors, ended: Awaitable[int], *, once: bool) -> None:
        has_input = descriptors.stdin is not None
        self._input = CommandStreams(descriptors, ended, lambda: None)
        self._is_terminal = descriptors.is_terminal
        self._once = once
        self._writing = asyncio.Lock()
        self._listeners: set[Listener] = set()
        self._early: bytearray | None = bytearray() if has_input else None
        self._ended = False

    @property
    def attached(self) -> bool:
        """Whether somebody waits for output."""
        return bool(self._listeners)

    def feed(self, data: bytes) -> None:
        """Passes output to everybody who is attached."""
        for listener in self._listeners:
            listener.put(data)
        if self._early is not None and not self._listeners:
            self._early += data[: EARLY_LIMIT - len(self._early)]

    def listen(self) -> Listener:
        """A client is attached."""
        listener = Listener()
        if self._early:
            listener.put(bytes(self._early))
        self._early = None
        if self._ended:
            listener.end()
        else:
            self._listeners.add(listener)
        return listener

    def forget(self, listener: Listener) -> None:
        """A client has left. Idempotent."""
        self._listeners.discard(listener)

    async def write(self, data: bytes) -> None:
        """Sends what a client typed; waits while the program does not take it."""
        # One at a time: the loop can wait for a descriptor on behalf of one task only.
        async with self._writing:
            await self._input.write(data)

    async def input_ended(self) -> None:
        """A client's input has ended. Only stdinOnce without a terminal passes that on, as container runtimes do."""
        if self._once and not self._is_terminal:
            await self._input.close_stdin()

    def resize(self, columns: int, rows: int) -> None:
        """Sets the terminal's size; does nothing without a terminal."""
        self._input.resize(columns, rows)

    async def wait(self) -> int:
        """The exit code of the container's process."""
        return await self._input.wait()

    def close(self) -> None:
        """The container has ended, and all that it wrote has been fed."""
        self._ended = True
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()
        self._input.release()
