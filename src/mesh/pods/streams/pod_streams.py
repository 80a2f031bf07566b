"""exec, attach and port-forward for the pods of a manager (`mesh.api.streaming.backend.PodStreams`)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from mesh.pods.container import ContainerRunner
from mesh.pods.pod import PodRunner
from mesh.pods.runtime.interface import StartError
from mesh.pods.streams.command_streams import CommandStreams, NotRunning
from mesh.pods.streams.container_streams import ContainerStreams
from mesh.pods.streams.pod_connection import PodConnection
from mesh.resources.values.ref import Ref

Find = Callable[[str], PodRunner | None]
"""The runner of a pod by its uid."""
# What a shell answers for a program that it cannot start.
NOT_STARTED = 127


class ManagedStreams:
    """Finds the pod's runner and asks its sandbox."""

    def __init__(self, find: Find) -> None:
        self._find = find

    async def run(
        self, pod: Ref, uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool
    ) -> "CommandStreams | FailedCommand":
        """Starts a command beside a container's own. Raises NotRunning."""
        runner = self._container(pod, uid, container)
        run = runner.current
        if run is None:
            raise NotRunning(f'container "{container}" of pod "{pod.name}" is not running')
        try:
            return await run.sandbox.open(run.spec, argv, stdin=stdin, tty=tty)
        except StartError as error:
            return FailedCommand(str(error))

    async def attach(self, pod: Ref, uid: str, container: str, *, stdin: bool, tty: bool) -> "Attached":
        """Joins a running container: what it writes from now on, and its standard input where it has one."""
        runner = self._container(pod, uid, container)
        if (run := runner.current) is None:
            raise NotRunning(f'container "{container}" of pod "{pod.name}" is not running')
        return Attached(run.streams, stdin=stdin)

    async def connect(self, pod: Ref, uid: str, port: int) -> PodConnection:
        """Connects to a port as a program of the pod would. Raises NotRunning."""
        runner = self._find(uid)
        if runner is None or runner.sandbox is None:
            raise NotRunning(f'pod "{pod.name}" is not running')
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        last: OSError | None = None
        # In a namespace a program may listen on its own loopback only; on the host's it listens at the pod's address.
        for host in dict.fromkeys((runner.sandbox.loopback, runner.sandbox.ip)):
            try:
                transport = await runner.sandbox.connect(lambda: protocol, host, port)
            except OSError as error:
                last = error
            else:
                return PodConnection(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        raise NotRunning(f"connect to port {port} of pod {pod.name}: {last.strerror if last else ''}")

    def _container(self, pod: Ref, uid: str, name: str) -> ContainerRunner:
        runner = self._find(uid)
        container = runner.container(name) if runner is not None else None
        if container is None:
            raise NotRunning(f'container "{name}" of pod "{pod.name}" is not running')
        return container


async def nothing() -> AsyncIterator[bytes]:
    """A stream that ends at once."""
    for piece in tuple[bytes, ...]():
        yield piece


class FailedCommand:
    """A command that could not be started, as its client sees it: a message and the exit code of a shell."""

    def __init__(self, message: str) -> None:
        self._message = message

    async def write(self, data: bytes) -> None:
        """Nobody reads it."""

    async def close_stdin(self) -> None:
        """Nobody reads it."""

    def stdout(self) -> AsyncIterator[bytes]:
        return nothing()

    async def stderr(self) -> AsyncIterator[bytes]:
        yield f"{self._message}\n".encode()

    def resize(self, columns: int, rows: int) -> None:
        """There is no terminal."""

    async def wait(self) -> int:
        return NOT_STARTED

    async def close(self) -> None:
        """There is nothing to end."""


class Attached:
    """A container's own process, as `kubectl attach` sees it. It goes on when the client leaves."""

    def __init__(self, streams: ContainerStreams, *, stdin: bool) -> None:
        self._streams = streams
        self._stdin = stdin
        # From here on, and not from when somebody reads: what is written in between is the client's, too.
        self._listener = streams.listen()

    async def write(self, data: bytes) -> None:
        """Sends bytes to standard input; a container without `stdin: true` has none."""
        if self._stdin:
            await self._streams.write(data)

    async def close_stdin(self) -> None:
        if self._stdin:
            await self._streams.input_ended()

    def stdout(self) -> AsyncIterator[bytes]:
        return self._listener.pieces()

    def stderr(self) -> AsyncIterator[bytes]:
        """A container's two outputs are one here, as they are in its log."""
        return nothing()

    def resize(self, columns: int, rows: int) -> None:
        self._streams.resize(columns, rows)

    async def wait(self) -> int:
        """0 whatever the exit code: with another one, kubectl takes the attachment itself for failed."""
        await self._streams.wait()
        return 0

    async def close(self) -> None:
        """The container goes on, unless it has stdinOnce and this was its input."""
        self._streams.forget(self._listener)
        await self.close_stdin()
