"""What the streams need of the node: commands in containers, what a container writes, connections into pods."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from mesh.pods.streams.command_streams import NotRunning
from mesh.resources.values.ref import Ref

__all__ = ["NotRunning", "PodBytes", "PodStreams", "RunningCommand"]


class RunningCommand(Protocol):
    """A command, or a container's own process, with its streams."""

    async def write(self, data: bytes) -> None:
        """Sends bytes to standard input; waits while they are not taken. Bytes after its end are discarded."""
        ...

    async def close_stdin(self) -> None:
        """Ends standard input. Idempotent."""
        ...

    def stdout(self) -> AsyncIterator[bytes]:
        """What it writes, until it ends. With a terminal, everything comes here."""
        ...

    def stderr(self) -> AsyncIterator[bytes]:
        """What it writes to standard error; nothing with a terminal."""
        ...

    def resize(self, columns: int, rows: int) -> None:
        """The client's terminal has another size. Does nothing without a terminal."""
        ...

    async def wait(self) -> int:
        """The exit code, 128 + N for one that signal N ended."""
        ...

    async def close(self) -> None:
        """The client has gone: ends a command that still runs, detaches from a container. Idempotent."""
        ...


class PodBytes(Protocol):
    """A connection to a port inside a pod."""

    async def read(self) -> bytes:
        """The next bytes, empty at the end."""
        ...

    async def write(self, data: bytes) -> None: ...

    async def end_of_input(self) -> None:
        """Nothing more will be written; reading goes on."""
        ...

    async def close(self) -> None: ...


class PodStreams(Protocol):
    """The node's side of exec, attach and port-forward. Each raises NotRunning."""

    async def run(
        self, pod: Ref, uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool
    ) -> RunningCommand:
        """A command beside a container's own: `argv` as it is, without a shell."""
        ...

    async def attach(self, pod: Ref, uid: str, container: str, *, stdin: bool, tty: bool) -> RunningCommand: ...

    async def connect(self, pod: Ref, uid: str, port: int) -> PodBytes: ...
