"""An agent per test in a home of its own, and the proof that the test left nothing behind."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mesh.pods.sandbox.client import Agent, connect
from mesh.pods.sandbox.processes import key_of, runs


def _processes_of(home: Path) -> list[str]:
    """Processes that name the home in their command line or environment, or run in it."""
    processes = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                words = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except OSError:
                continue
            if str(home).encode() in words:
                processes.append(words.replace(b"\0", b" ").decode(errors="replace")[:200])
    return processes


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that any user may reach; afterwards no process, mount or bridge of the mesh may be left."""
    interfaces = Path("/proc/net/dev").read_text().count("\n")
    path = Path(tempfile.mkdtemp(prefix="mesh-"))
    yield path
    left = _processes_of(path)
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(path) in line]
    log = (path / "logs" / "agent.log").read_text()
    shutil.rmtree(path)
    assert log == ""
    assert left == []
    assert mounts == []
    assert Path("/proc/net/dev").read_text().count("\n") == interfaces


@pytest.fixture
async def agent(home: Path) -> AsyncIterator[Agent]:
    agent = await connect(home)
    key = key_of(agent.pid)
    yield agent
    if agent.lost.done():
        agent = await connect(home)
    await agent.stop()
    assert not runs(key)
