"""A container's process, or a command beside it, that the sandbox agent started."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

from mesh.pods.runtime.interface import Exit
from mesh.pods.sandbox.client import AgentGone
from mesh.pods.sandbox.client import Process as AgentProcess
from mesh.pods.sandbox.spec import ProcessExit
from mesh.pods.streams.command_streams import NO_DESCRIPTORS, Descriptors


class NamespaceProcess:
    """`mesh.pods.runtime.interface.RunningProcess`, started by the agent."""

    def __init__(self, process: AgentProcess, descriptors: Descriptors = NO_DESCRIPTORS) -> None:
        self.pid = process.pid
        self.key = process.key
        self.descriptors = descriptors
        self._exit = asyncio.ensure_future(_exit_of(process))
        try:
            self._pidfd = os.pidfd_open(process.pid)
        except ProcessLookupError:
            self._pidfd = -1
        self._exit.add_done_callback(self._close)

    @property
    def alive(self) -> bool:
        return not self._exit.done()

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    def signal(self, number: signal.Signals) -> None:
        """SIGKILL ends all processes of the container: this one is the first of their PID namespace.

        A first process gets no signal that it does not handle (pid_namespaces(7)), so that SIGTERM would be lost on
        most small programs. What the kernel would do to them anywhere else is done here: they are killed.
        """
        if self._exit.done() or self._pidfd < 0:
            return
        if number == signal.SIGTERM and not _handles(self.pid, number):
            number = signal.SIGKILL
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def _close(self, _exit: object) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


class EndedProcess:
    """`mesh.pods.runtime.interface.RunningProcess` that ended before anybody could wait for it."""

    alive = False
    descriptors = NO_DESCRIPTORS

    def __init__(self, ended: ProcessExit) -> None:
        self.pid = ended.pid
        self.key = ended.key
        self._exit = _as_exit(ended)

    async def wait(self) -> Exit:
        return self._exit

    def signal(self, number: signal.Signals) -> None:
        """Nothing is there to be signalled."""


async def _exit_of(process: AgentProcess) -> Exit:
    try:
        ended = await process.wait()
    except AgentGone:
        # Its successor knows only what still runs; how this one ended nobody can say.
        return Exit(137, 9)
    return _as_exit(ended)


def _as_exit(ended: ProcessExit) -> Exit:
    return Exit(ended.code if ended.code >= 0 else 137, max(0, ended.signal))


def _handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process catches a signal, or ignores it on purpose (proc(5), SigCgt and SigIgn)."""
    mask = 1 << (number - 1)
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in ("SigCgt", "SigIgn") and int(value, 16) & mask:
                return True
        return False
    return True
