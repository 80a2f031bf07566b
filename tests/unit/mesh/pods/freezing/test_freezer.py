"""Processes stand still together, and continue whatever dies: with real processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.pods.freezing import watchdog
from mesh.pods.freezing.freezer import Freeze, FreezeError, Freezer, FrozenPods
from mesh.procfs import HostProcess, descendants, start_time
from tests.support.waiting import until

# A parent with a child, which both count for as long as they run.
COUNTING = """
import subprocess, sys, time
if len(sys.argv) < 2:
    subprocess.Popen([sys.executable, sys.argv[0], "child"])
while True:
    time.sleep(0.01)
"""


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[HostProcess]:
    script = tmp_path / "counting.py"
    script.write_text(COUNTING)
    with subprocess.Popen([sys.executable, str(script)], start_new_session=True) as process:
        try:
            until(lambda: descendants(process.pid), 30)
            yield HostProcess(process.pid, start_time(process.pid) or 0)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def states(leader: HostProcess) -> set[str]:
    """Whether the leader and its child stand ("T") or run."""
    members = watchdog.family([(leader.pid, leader.started)])
    assert len(members) == 2
    return {"T" if (watchdog.stat(pid) or "?")[0] == "T" else "run" for pid, _ in members}


def running(leader: HostProcess) -> None:
    until(lambda: states(leader) == {"run"}, 30)


async def test_everything_stands_still_within_and_runs_afterwards(tmp_path: Path, leader: HostProcess) -> None:
    frozen = FrozenPods()
    async with Freezer(tmp_path, frozen).frozen(["uid"], [leader], 30.0) as freeze:
        assert states(leader) == {"T"}
        assert frozen.excuses("uid")
        assert len(freeze.pids) == 2
    running(leader)
    assert freeze.milliseconds > 0
    # It has to catch up: for a while its probes are excused, those of others never.
    assert frozen.excuses("uid")
    assert not frozen.excuses("another")
    assert not list((tmp_path / "run" / "frozen").iterdir())


async def test_at_the_end_of_the_time_they_run_and_the_copy_is_worthless(tmp_path: Path, leader: HostProcess) -> None:
    with pytest.raises(FreezeError, match=r"they stood still for 0\.2 s, which is the limit, and were resumed"):
        async with Freezer(tmp_path, FrozenPods()).frozen(["uid"], [leader], 0.2) as freeze:
            await asyncio.to_thread(running, leader)
            assert freeze.is_over


async def test_whoever_stops_a_process_for_another_reason_keeps_it(tmp_path: Path, leader: HostProcess) -> None:
    child = next(iter(descendants(leader.pid)))
    os.kill(child.pid, signal.SIGSTOP)
    until(lambda: watchdog.stands(child.pid), 30)
    async with Freezer(tmp_path, FrozenPods()).frozen(["uid"], [leader], 30.0):
        assert states(leader) == {"T"}
    until(lambda: states(leader) == {"T", "run"}, 30)
    os.kill(child.pid, signal.SIGCONT)


async def test_the_daemon_continues_them_when_the_watchdog_is_killed(tmp_path: Path, leader: HostProcess) -> None:
    freezer = Freezer(tmp_path, FrozenPods())
    with pytest.raises(FreezeError):
        async with freezer.frozen(["uid"], [leader], 30.0):
            for process in descendants(os.getpid()):
                if "watchdog" in Path(f"/proc/{process.pid}/cmdline").read_text():
                    os.kill(process.pid, signal.SIGKILL)
    running(leader)


DAEMON = """
import asyncio, sys
from pathlib import Path
from mesh.pods.freezing.freezer import Freezer, FrozenPods
from mesh.procfs import HostProcess

async def main():
    leader = HostProcess(int(sys.argv[2]), int(sys.argv[3]))
    async with Freezer(Path(sys.argv[1]), FrozenPods()).frozen(["uid"], [leader], 60.0):
        print("frozen", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def kill_while_frozen(home: Path, leader: HostProcess, *, both: bool) -> None:
    """A daemon that freezes a process and is killed; with `both` its watchdog is killed before it."""
    words = [sys.executable, "-c", DAEMON, str(home), str(leader.pid), str(leader.started)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"frozen\n"
        assert states(leader) == {"T"}
        if both:
            for process in descendants(daemon.pid):
                os.kill(process.pid, signal.SIGKILL)
        daemon.kill()


@pytest.mark.parametrize("both", [False, True])
async def test_the_watchdog_continues_them_when_the_daemon_is_killed(
    tmp_path: Path, leader: HostProcess, both: bool
) -> None:
    await asyncio.to_thread(kill_while_frozen, tmp_path, leader, both=both)
    if both:
        assert states(leader) == {"T"}
        # The next daemon finds what was written down.
        await Freezer(tmp_path, FrozenPods()).recover()
    running(leader)


async def test_without_processes_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    async with Freezer(tmp_path, FrozenPods()).frozen([], [], 0.1) as freeze:
        assert not freeze.is_over
    assert Freeze(0.0).is_over
