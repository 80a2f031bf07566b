"""One process of a pod: leader of a session and a process group of its own, watched through its pidfd.

A container's end is the end of all its processes. When the leader is gone its group is killed before the leader's
pid is freed, so that the group's number cannot have become anyone else's. Children that left the group with
setsid(2) are remembered before a signal is sent, while the kernel still knows whose children they are.
"""

import asyncio
import fcntl
import os
import signal
import subprocess
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import Self

from mesh.pods.host.leftovers import Records
from mesh.pods.runtime.interface import Exit, StartError
from mesh.pods.streams.command_streams import NO_DESCRIPTORS, Descriptors
from mesh.procfs import HostProcess, descendants, send, start_time


class Process:
    """A started process (`mesh.pods.runtime.interface.RunningProcess`). Made by `start`."""

    def __init__(self, popen: subprocess.Popen[bytes], records: Records) -> None:
        self.pid = popen.pid
        self.started = start_time(popen.pid) or 0
        self._popen = popen
        self._records = records
        self.descriptors: Descriptors = NO_DESCRIPTORS
        self._descendants: set[HostProcess] = set()
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        records.add(self.pid, self.started)
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._exited)

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        records: Records,
        *,
        stdio: tuple[int | None, int | None, int | None] = (None, None, None),
        controlling_terminal: bool = False,
    ) -> Self:
        """Starts `argv` in `folder` without a shell.

        `stdio` are descriptors for stdin, stdout and stderr; None is /dev/null. With `controlling_terminal` stdin is a
        terminal, which becomes the new session's own.

        The program is looked up on the PATH of `environment`. Raises StartError.
        """
        if not folder.is_dir():
            raise StartError(f'workingDir "{folder}" is not a folder of this machine')
        path = environment.get("PATH", "")
        program = _executable(argv[0], path, folder)
        if program is None:
            places = str(folder) if "/" in argv[0] else f"PATH {path}"
            raise StartError(f'"{argv[0]}": no such program; looked for it in {places}')
        stdin, stdout, stderr = stdio
        try:
            popen = subprocess.Popen(
                list(argv),
                executable=program,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.DEVNULL if stdout is None else stdout,
                stderr=subprocess.DEVNULL if stderr is None else stderr,
                start_new_session=True,
                close_fds=True,
                # Runs after setsid(2): only a session leader can take a terminal.
                preexec_fn=_take_terminal if controlling_terminal else None,  # noqa: PLW1509 - no threads use it
            )
        except (OSError, ValueError) as error:
            raise StartError(f'"{argv[0]}": {getattr(error, "strerror", None) or error}') from None
        return cls(popen, records)

    @property
    def alive(self) -> bool:
        return not self._exit.done()

    async def wait(self) -> Exit:
        """Waits until the process has ended, and its group with it."""
        # A waiter that is cancelled must not cancel the future that the other waiters share.
        return await asyncio.shield(self._exit)

    def signal(self, number: signal.Signals) -> None:
        """Signals the process and its group; does nothing when it has ended.

        Children that left the group are not signalled now, since SIGTERM is the leader's to pass on (PostgreSQL's
        server processes, for example, are sessions of their own), but they are killed once the leader has ended.
        """
        if self.alive:
            self._descendants.update(descendants(self.pid))
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for descendant in self._descendants:
            send(descendant, signal.SIGKILL)
        status = self._popen.wait()
        self._records.remove(self.pid, self.started)
        self._exit.set_result(Exit(128 - status, -status) if status < 0 else Exit(status, 0))


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _executable(name: str, path: str, folder: Path) -> str | None:
    if "/" in name:
        program = folder / name
        return str(program) if program.exists() else None
    return which(name, path=path)
