"""How Envoy's process is started: as a child of the daemon, or by whoever can start it in the mesh's namespaces.

One that a former daemon has started is nobody's child here, and watched all the same.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class EnvoyChild(Protocol):
    """A running Envoy, as far as its supervisor watches it."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        ...

    async def wait(self) -> int: ...
    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError when it has ended."""
        ...


class Launcher(Protocol):
    """Starts Envoy with its log as stdout and stderr."""

    async def __call__(self, argv: Sequence[str], folder: Path, output: int) -> EnvoyChild:
        """Raises OSError."""
        ...


class AdoptedChild:
    """An Envoy that another process has started, watched by a pidfd."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError when there is none."""
        self.pid = pid
        self.returncode: int | None = None
        self._pidfd = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._pidfd, self._end)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self._pidfd < 0:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        """Watches it no more. Idempotent."""
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _end(self) -> None:
        # How it ended only its parent can say; here it was killed as far as anybody knows.
        self.returncode = -signal.SIGKILL
        self.close()
        self._ended.set()


def environment() -> dict[str, str]:
    """What Envoy needs of the daemon's environment."""
    return {"PATH": os.environ.get("PATH", "")}


async def as_child(argv: Sequence[str], folder: Path, output: int) -> EnvoyChild:
    """In the daemon's own namespaces. A session of its own: Ctrl-C in the terminal is not for Envoy."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=folder,
        env=environment(),
        start_new_session=True,
    )


def kill(child: EnvoyChild) -> None:
    """SIGKILL. Raises ProcessLookupError when it has ended."""
    child.send_signal(signal.SIGKILL)
