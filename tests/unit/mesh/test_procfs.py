"""What /proc says about processes, asked about real ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mesh.procfs import HostProcess, descendants, parent, send, start_time


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_living_process_has_a_start_time_and_a_parent(child: subprocess.Popen[bytes]) -> None:
    assert start_time(child.pid) is not None
    assert parent(child.pid) == os.getpid()


def test_a_process_that_has_ended_has_none(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(child.pid) is None  # a zombie: its pid is still taken
    child.wait()
    assert start_time(child.pid) is None
    assert parent(child.pid) == 0


def test_descendants_are_children_of_children_too() -> None:
    nested = "import subprocess, sys; subprocess.run(['sh', '-c', 'echo; read line; exit 0'])"
    with subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as outer:
        assert outer.stdout is not None
        outer.stdout.readline()
        parents = {process.pid: parent(process.pid) for process in descendants(os.getpid())}
        outer.communicate(b"\n")
    assert parents[outer.pid] == os.getpid()
    assert outer.pid in parents.values()


def test_a_signal_reaches_its_process_only(child: subprocess.Popen[bytes]) -> None:
    started = start_time(child.pid)
    assert started is not None
    assert not send(HostProcess(child.pid, started + 1), signal.SIGKILL)
    assert child.poll() is None
    assert send(HostProcess(child.pid, started), signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
