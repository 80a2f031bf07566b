"""What is left when processes of the mesh are killed, and what the next agent makes of it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.pods.network.names import Name
from mesh.pods.sandbox.client import Agent, AgentGone, Process, connect, envoy
from mesh.pods.sandbox.processes import runs
from tests.with_namespaces.sandbox.programs import ADDRESS, POD, UID, files, output, python, shell, until_listening

SERVER = (
    "import http.server as h, sys, signal\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
    "h.HTTPServer(('0.0.0.0', 80), h.SimpleHTTPRequestHandler).serve_forever()\n"
)
LINKS = "import socket; print([name for _, name in socket.if_nameindex()])"

# A lookup byte for byte: the pod's resolv.conf is the machine's here.
ASK = (
    "import socket, struct\n"
    "name = b''.join(bytes([len(part)]) + part for part in b'orders shop svc cluster local'.split()) + b'\\0'\n"
    "sock = socket.socket(type=socket.SOCK_DGRAM); sock.connect(('10.96.0.10', 53))\n"
    "sock.send(struct.pack('!6H', 1, 256, 1, 0, 0, 0) + name + b'\\0\\1\\0\\1')\n"
    "print(socket.inet_ntoa(sock.recv(512)[-4:]))\n"
)


class Mesh:
    """A mesh with a pod that listens, a process in the mesh's own namespaces, and an agent that can be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.agent: Agent
        self.pod: Process
        self.keeper: Process

    async def start(self) -> None:
        self.agent = await connect(self.home)
        await self.agent.create_pod_network(POD, "orders-1", ADDRESS)
        self.pod = await self.agent.spawn(python(SERVER, name="orders/0"))
        self.keeper = await self.agent.spawn(envoy(("sleep", "1000"), {}, Path("/")))
        await until_listening(self.agent, "", ADDRESS, 80)

    async def kill(self, *pids: int) -> None:
        handles = [os.pidfd_open(pid) for pid in pids]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for handle in handles:
            ended = asyncio.Event()
            asyncio.get_running_loop().add_reader(handle, ended.set)
            await ended.wait()
            asyncio.get_running_loop().remove_reader(handle)
            os.close(handle)


@pytest.fixture
async def mesh(home: Path) -> AsyncIterator[Mesh]:
    mesh = Mesh(home)
    await mesh.start()
    yield mesh
    mesh.agent.close()
    last = await connect(home)
    await last.stop()


async def test_waiting_for_a_process_says_that_the_agent_is_gone(mesh: Mesh) -> None:
    waiting = asyncio.create_task(mesh.pod.wait())
    await asyncio.sleep(0)
    await mesh.kill(mesh.agent.pid)
    with pytest.raises(AgentGone):
        await waiting
    await mesh.agent.lost


@pytest.mark.parametrize("with_keeper", [True, False], ids=["envoy survives", "only pods survive"])
async def test_the_next_agent_takes_over_pods_that_run(mesh: Mesh, with_keeper: bool) -> None:
    await mesh.kill(mesh.agent.pid, *([] if with_keeper else [mesh.keeper.pid]))

    mesh.agent = await connect(mesh.home)

    state = await mesh.agent.list()
    assert [pod.address for pod in state.pods] == [ADDRESS]
    names = {process.name for process in state.processes}
    assert names == ({"orders/0", "envoy"} if with_keeper else {"orders/0"})
    await until_listening(mesh.agent, "", ADDRESS, 80)
    await until_listening(mesh.agent, POD, "127.0.0.1", 80)
    await mesh.agent.set_names({"orders.shop.svc.cluster.local": Name(("10.96.0.7",))})
    pod = mesh.agent.process(next(process for process in state.processes if process.pod))
    asked, _ = await output(mesh.agent, python(ASK, join=pod.pid))
    assert asked == "10.96.0.7\n"
    links, _ = await output(mesh.agent, envoy((sys.executable, "-c", LINKS), {}, Path("/")))
    assert links == f"['lo', 'mesh0', 'veth{bytes([10, 244, 1, 7]).hex()}']\n"
    another, _ = await output(mesh.agent, shell("hostname", hostname="orders-2"))
    assert another == "orders-2\n"
    await pod.signal(signal.SIGTERM)
    ended = await pod.wait()
    assert ended.code in (9, -1)  # -1: nobody can say, before Linux 6.15 or where init does not reap


async def test_a_pod_of_uid_0_is_taken_over_too(mesh: Mesh) -> None:
    other = "pod-of-root"
    await mesh.agent.create_pod_network(other, other, "10.244.1.9")
    root = await mesh.agent.spawn(
        shell("exec sleep 1000", pod=other, uid=0, gid=0, root_uid=UID, root_gid=UID, name="root/0")
    )
    await mesh.kill(mesh.agent.pid, mesh.keeper.pid, mesh.pod.pid)

    mesh.agent = await connect(mesh.home)

    state = await mesh.agent.list()
    assert [(process.pid, process.name) for process in state.processes] == [(root.pid, "root/0")]
    assert [pod.uid for pod in state.pods] == [other]


async def test_nothing_is_left_when_everything_was_killed(mesh: Mesh) -> None:
    await mesh.kill(mesh.agent.pid, mesh.keeper.pid, mesh.pod.pid)
    assert files(mesh.home / "run" / "netns") == [POD]

    mesh.agent = await connect(mesh.home)

    state = await mesh.agent.list()
    assert (state.pods, state.processes) == ([], [])
    assert files(mesh.home / "run" / "netns") == []
    assert files(mesh.home / "run" / "sandbox") == []
    await mesh.agent.create_pod_network(POD, "orders-1", ADDRESS)


async def test_a_pid_that_somebody_else_has_got_is_not_touched(mesh: Mesh) -> None:
    record = mesh.home / "run" / "sandbox" / "processes" / f"{os.getpid()}-1"
    record.write_text(f'{{"key": "{os.getpid()}-1", "pid": {os.getpid()}, "pod": "{POD}", "name": "", "joined": 0}}')
    await mesh.kill(mesh.agent.pid)

    mesh.agent = await connect(mesh.home)

    assert {process.name for process in (await mesh.agent.list()).processes} == {"orders/0", "envoy"}
    assert not record.exists()


async def test_stopping_ends_adopted_processes(mesh: Mesh) -> None:
    await mesh.kill(mesh.agent.pid)
    mesh.agent = await connect(mesh.home)

    await mesh.agent.stop()

    assert not runs(mesh.pod.key)
    assert not runs(mesh.keeper.key)
    assert files(mesh.home / "run") == ["agent.lock"]


async def test_only_one_agent_runs_in_a_home(mesh: Mesh) -> None:
    code = "from mesh.pods.sandbox.agent import main; import sys; from pathlib import Path; main(Path(sys.argv[1]))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(mesh.home)), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert f"another agent runs in {mesh.home}" in errors.decode()
