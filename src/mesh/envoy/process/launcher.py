"""How Envoy's process is started: as a child of the daemon, or by whoever can start it in the mesh's namespaces."""

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
