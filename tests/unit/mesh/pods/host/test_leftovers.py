"""What a daemon that was killed leaves is ended by the next, and nothing else is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mesh.pods.host.leftovers import Records, reap_leftovers
from mesh.pods.host.pod_processes import CONTAINER_MARK, HOME_MARK, POD_MARK, output_folder, pod_processes
from mesh.procfs import start_time

DAEMON = """
import asyncio, sys
from pathlib import Path
from mesh.pods.host.addresses import Block
from mesh.pods.manager import PodManager
from mesh.pods.runtime.loopback import LoopbackRuntime
from mesh.resources.validation.manifest import validate
from mesh.store import Put, Store

async def main(home):
    store = Store.open(home / "store.db")
    async def settled(version): pass
    block = Block.claim(home)
    manager = PodManager(store, home, LoopbackRuntime(home, block), block, settled)
    await manager.start()
    script = "sleep 71 & setsid sleep 72 & trap '' TERM; while :; do echo tick; sleep 0.05; done"
    for name in ("a", "b"):
        valid = validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "main", "image": "x", "command": ["sh", "-c", script]}]}}, "mesh")
        store.commit([Put(valid.ref, valid.body)])
    while not all(p.status.phase == "Running" for p in store.of(type(valid.typed))):
        await asyncio.sleep(0.01)
    print("running", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(Path(sys.argv[1])))
"""


def first_line_after_the_daemon(fifo: Path) -> bytes:
    """Empties what has been written so far, then waits for a line that is new."""
    with fifo.open("rb", buffering=0) as output:
        os.set_blocking(output.fileno(), False)
        while output.read(4096):
            pass
        os.set_blocking(output.fileno(), True)
        return output.read(4096)


def test_pods_of_a_killed_daemon_keep_writing_and_are_ended_with_their_children(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(home)], stdout=subprocess.PIPE, start_new_session=True
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"running\n"
        daemon.kill()
    left = {owned.process.pid for owned in pod_processes(home)}
    assert len(left) >= 6
    leaders = {process.pid for process in Records(home).living()}
    assert len(leaders) == 2
    for fifo in output_folder(home).glob("*/*"):
        # Each pod goes on writing: an ended one would have closed its FIFO, which then has nothing to read.
        assert first_line_after_the_daemon(fifo) == b"tick\n"
    assert all(start_time(pid) is not None for pid in leaders)
    ended = reap_leftovers(home)
    assert left <= set(ended) | {pid for pid in left if start_time(pid) is None}
    deadline = time.monotonic() + 10
    while list(pod_processes(home)) and time.monotonic() < deadline:
        reap_leftovers(home)
    assert list(pod_processes(home)) == []
    assert Records(home).living() == []
    assert reap_leftovers(home) == []


def test_a_pid_that_belongs_to_somebody_else_now_is_left_alone(home: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        started = start_time(other.pid)
        assert started is not None
        records = Records(home)
        records.add(other.pid, started - 1)
        assert reap_leftovers(home) == []
        assert other.poll() is None
        assert list(records.folder.iterdir()) == []
        other.kill()


def test_who_calls_from_within_a_pod_is_left_alone(home: Path) -> None:
    program = (
        "import pathlib, sys; from mesh.pods.host.leftovers import reap_leftovers;"
        " print(reap_leftovers(pathlib.Path(sys.argv[1])))"
    )
    environ = {**os.environ, HOME_MARK: str(home), POD_MARK: "u", CONTAINER_MARK: "c"}
    ran = subprocess.run([sys.executable, "-c", program, str(home)], env=environ, capture_output=True, check=True)
    assert ran.stdout == b"[]\n"


def test_pods_of_another_home_are_left_alone(home: Path) -> None:
    environ = {**os.environ, HOME_MARK: f"{home}-other", POD_MARK: "u", CONTAINER_MARK: "c"}
    with subprocess.Popen(["sleep", "60"], env=environ) as other:
        assert reap_leftovers(home) == []
        assert other.poll() is None
        other.send_signal(signal.SIGKILL)
