"""Commands beside a running container: exec, probes, hooks; and terminals."""

import asyncio
import fcntl
import os
import signal
import struct
import termios
from collections.abc import AsyncIterator

import pytest

from mesh.pods.sandbox.client import Agent, AgentError, Process
from mesh.pods.sandbox.spec import Mount
from tests.with_namespaces.sandbox.programs import ADDRESS, POD, UID, output, shell


@pytest.fixture
async def container(agent: Agent) -> AsyncIterator[Process]:
    await agent.create_pod_network(POD, "orders-1", ADDRESS)
    mounts = (Mount("/data", kind="tmpfs"),)
    process = await agent.spawn(shell("echo here >/data/file; exec sleep 1000", mounts=mounts, name="orders/0"))
    yield process
    await process.signal(signal.SIGKILL)
    await process.wait()


async def until(agent: Agent, container: Process, script: str) -> None:
    while (await output(agent, shell(script, join=container.pid)))[1].code:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_command_shares_all_namespaces_of_its_container(agent: Agent, container: Process) -> None:
    await until(agent, container, "test -s /data/file")
    script = "cat /data/file; hostname; tr '\\0' ' ' </proc/1/cmdline; echo; id -u; exit 7"
    text, ended = await output(agent, shell(script, join=container.pid))
    assert text == f"here\norders-1\nsleep 1000 \n{UID}\n"
    assert (ended.code, ended.pod) == (7, POD)


async def test_a_command_ends_with_its_container(agent: Agent, container: Process) -> None:
    command = await agent.spawn(shell("exec sleep 1000", join=container.pid))
    live = {process.key: process.joined for process in (await agent.list()).processes}
    assert live == {container.key: 0, command.key: container.pid}
    await container.signal(signal.SIGKILL)
    assert (await command.wait()).signal == signal.SIGKILL


async def test_a_command_in_a_container_that_has_ended(agent: Agent, container: Process) -> None:
    await container.signal(signal.SIGKILL)
    await container.wait()
    with pytest.raises(AgentError, match=r"No such (process|file)"):
        await agent.spawn(shell("true", join=container.pid))


async def test_a_command_beside_a_container_that_runs_as_uid_0(agent: Agent, container: Process) -> None:
    root = {"uid": 0, "gid": 0, "root_uid": UID, "root_gid": UID}
    process = await agent.spawn(shell("exec sleep 1000", **root))
    text, ended = await output(agent, shell("id -u; cat /proc/self/uid_map", join=process.pid, **root))
    beside, _ = await output(agent, shell("id -u; id -un", join=container.pid, **root))
    await process.signal(signal.SIGKILL)
    await process.wait()
    assert (text.split(), ended.code) == (["0", "0", str(UID), "1"], 0)
    assert beside == "0\nroot\n"


async def test_a_terminal(agent: Agent, container: Process) -> None:
    script = "tty; stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.01; done"
    spec = shell(script, join=container.pid, tty=True, rows=40, columns=100)
    process = await agent.spawn(spec._replace(env={**spec.env, "TERM": "xterm"}))
    assert process.terminal is not None
    text = b""
    while b"ready" not in text:
        text += await asyncio.to_thread(os.read, process.terminal, 1000)

    fcntl.ioctl(process.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))

    ended = await process.wait()
    text += os.read(process.terminal, 1000)
    os.close(process.terminal)
    assert text.decode().split() == ["/dev/pts/0", "40", "100", "ready", "50", "120"]
    assert ended.code == 5


async def test_ctrl_c_reaches_the_command(agent: Agent, container: Process) -> None:
    process = await agent.spawn(shell("echo ready; exec sleep 1000", join=container.pid, tty=True))
    assert process.terminal is not None
    assert b"ready" in await asyncio.to_thread(os.read, process.terminal, 1000)
    os.write(process.terminal, b"\x03")
    assert (await process.wait()).signal == signal.SIGINT
    os.close(process.terminal)


async def test_a_container_has_a_terminal_too(agent: Agent, container: Process) -> None:
    process = await agent.spawn(shell("tty; read line; echo got $line", tty=True))
    assert process.terminal is not None
    assert await asyncio.to_thread(os.read, process.terminal, 1000) == b"/dev/pts/0\r\n"
    os.write(process.terminal, b"hello\n")
    await process.wait()
    text = os.read(process.terminal, 1000).decode()
    os.close(process.terminal)
    assert text.split() == ["hello", "got", "hello"]


async def test_stdin_is_a_pipe_that_the_caller_passes(agent: Agent, container: Process) -> None:
    stdin, stdout = os.pipe(), os.pipe()
    process = await agent.spawn(shell("cat", join=container.pid), (stdin[0], stdout[1], None))
    os.close(stdin[0])
    os.close(stdout[1])
    os.write(stdin[1], b"there and back")
    os.close(stdin[1])
    assert (await process.wait()).code == 0
    assert os.read(stdout[0], 100) == b"there and back"
    os.close(stdout[0])


async def test_containers_share_their_processes_when_asked_to(agent: Agent, container: Process) -> None:
    script = "cat /proc/1/comm; test -e /data/file || echo no-volume; hostname"
    text, _ = await output(agent, shell(script, share_processes=container.pid, hostname="orders-2"))
    assert text == "sleep\nno-volume\norders-2\n"
