"""A node for tests of exec, attach and port-forward: commands are processes of this machine, pods its loopback."""

import asyncio
import os
import pty
import signal
from collections.abc import Sequence
from contextlib import suppress

from mesh.pods.streams.command_streams import CommandStreams, Descriptors, NotRunning, Pipes
from mesh.pods.streams.pod_connection import PodConnection
from mesh.resources.values.ref import Ref


class LocalStreams:
    """Runs what is asked as ordinary processes; ports are those of 127.0.0.1."""

    async def run(
        self, pod: Ref, uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool
    ) -> CommandStreams:
        if tty:
            mine, theirs = pty.openpty()
            descriptors, ends = Descriptors(mine, mine, None, is_terminal=True), (theirs, theirs, theirs)
        else:
            pipes = Pipes(stdin=stdin)
            descriptors, ends = pipes.ours, pipes.theirs
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=ends[0], stdout=ends[1], stderr=ends[2], start_new_session=True
            )
        except OSError as error:
            for fd in descriptors.all():
                os.close(fd)
            raise NotRunning(f"{argv[0]}: {error.strerror}") from None
        finally:
            for fd in set(ends):
                os.close(fd)

        def kill() -> None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        async def ended() -> int:
            code = await process.wait()
            return 128 - code if code < 0 else code

        return CommandStreams(descriptors, ended(), kill)

    async def attach(self, pod: Ref, uid: str, container: str, *, stdin: bool, tty: bool) -> CommandStreams:
        return await self.run(pod, uid, container, ("sh", "-c", "echo attached; cat"), stdin=stdin, tty=tty)

    async def connect(self, pod: Ref, uid: str, port: int) -> PodConnection:
        try:
            return PodConnection(*await asyncio.open_connection("127.0.0.1", port))
        except OSError as error:
            raise NotRunning(f"port {port}: {error.strerror}") from None
