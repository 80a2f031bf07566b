"""One process of a pod: leader of a session and a group of its own, watched through its pidfd.

A container's end is the end of all its processes: when the leader is gone its group is killed before the leader's
pid is freed, so that the group's number cannot have become anybody else's.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import NamedTuple, Self

from mesh.pods.host.leftovers import Records
from mesh.pods.host.procfs import start_time


class StartError(Exception):
    """The process could not be started; the message names the command or the folder."""


class Exit(NamedTuple):
    """How a process ended: its exit code, 128 + signal number when a signal ended it, and that signal or 0."""

    code: int
    signal: int


class Process:
    """A started process. Made by `start`; `wait` may be awaited by many."""

    def __init__(self, popen: subprocess.Popen[bytes], records: Records) -> None:
        self.pid = popen.pid
        self.started = start_time(popen.pid) or 0
        self._popen = popen
        self._records = records
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        records.add(self.pid, self.started)
        self._handle = os.pidfd_open(self.pid)
        self._loop.add_reader(self._handle, self._exited)

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        records: Records,
        *,
        output: int = subprocess.DEVNULL,
    ) -> Self:
        """Starts `argv` in `folder` without a shell; stdout and stderr go to the descriptor `output`.

        The program is looked for on the PATH of `environment`. Raises StartError.
        """
        if not folder.is_dir():
            raise StartError(f'workingDir "{folder}" is not a folder of this machine')
        program = _find(argv[0], environment.get("PATH", ""), folder)
        if program is None:
            raise StartError(
                f'"{argv[0]}": no such program; looked for it in {folder if "/" in argv[0] else "PATH"}'
                f"{'' if '/' in argv[0] else ' ' + environment.get('PATH', '')}"
            )
        try:
            popen = subprocess.Popen(
                list(argv),
                executable=program,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                close_fds=True,
            )
        except (OSError, ValueError) as error:
            raise StartError(f'"{argv[0]}": {getattr(error, "strerror", None) or error}') from None
        return cls(popen, records)

    @property
    def alive(self) -> bool:
        return not self._exit.done()

    async def wait(self) -> Exit:
        """Waits until the process has ended, and its group with it."""
        return await asyncio.shield(self._exit)

    def signal_group(self, number: signal.Signals) -> None:
        """Signals the process and its group; does nothing when it has ended."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _exited(self) -> None:
        self._loop.remove_reader(self._handle)
        os.close(self._handle)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait()
        self._records.remove(self.pid, self.started)
        self._exit.set_result(Exit(128 - code, -code) if code < 0 else Exit(code, 0))


def _find(name: str, path: str, folder: Path) -> str | None:
    if "/" in name:
        program = folder / name
        return str(program) if program.exists() else None
    return which(name, path=path)
