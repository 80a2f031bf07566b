"""A node for tests of exec, attach and port-forward: commands are processes of this machine, pods its loopback."""

import asyncio
import os
import pty
import signal
from contextlib import suppress

from mesh.api.streaming.backend import CommandSpec, NotRunning
from mesh.pods.streams.command_streams import CommandStreams, Descriptors
from mesh.pods.streams.pod_connection import PodConnection
from mesh.resources.values.ref import Ref


class LocalStreams:
    """Runs what is asked as ordinary processes; ports are those of 127.0.0.1."""

    async def run(self, pod: Ref, uid: str, spec: CommandSpec) -> CommandStreams:
        if spec.tty:
            mine, theirs = pty.openpty()
            stdin = stdout = stderr = theirs
            descriptors = Descriptors(mine, mine, None, is_terminal=True)
            given = [theirs]
        else:
            pairs = [os.pipe() for _ in range(3)]
            stdin, stdout, stderr = pairs[0][0], pairs[1][1], pairs[2][1]
            descriptors = Descriptors(pairs[0][1], pairs[1][0], pairs[2][0])
            given = [stdin, stdout, stderr]
        try:
            process = await asyncio.create_subprocess_exec(
                *spec.argv, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
            )
        except OSError as error:
            for fd in descriptors.all():
                os.close(fd)
            raise NotRunning(f"{spec.argv[0]}: {error.strerror}") from None
        finally:
            for fd in given:
                os.close(fd)
        if not spec.stdin:
            pass

        def kill() -> None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        async def ended() -> int:
            code = await process.wait()
            return 128 - code if code < 0 else code

        streams = CommandStreams(descriptors, ended(), kill)
        if not spec.stdin and not spec.tty:
            await streams.close_stdin()
        return streams

    async def attach(self, pod: Ref, uid: str, container: str, *, stdin: bool, tty: bool) -> CommandStreams:
        return await self.run(pod, uid, CommandSpec(container, ("sh", "-c", "echo attached; cat"), stdin, tty))

    async def connect(self, pod: Ref, uid: str, port: int) -> PodConnection:
        try:
            return PodConnection(*await asyncio.open_connection("127.0.0.1", port))
        except OSError as error:
            raise NotRunning(f"port {port}: {error.strerror}") from None
